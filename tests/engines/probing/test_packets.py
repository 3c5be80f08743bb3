"""The end of a stream by its packets, and whether its frame rate varies."""

import pytest

from penstock.engines.probing.packets import PacketStats, is_variable_rate


@pytest.mark.parametrize(("dts_range", "max_end"), [(None, 7.2), ((0, 7000), 7.2), ((-1100, 7100), 8.2)])
def test_the_end_is_the_later_one_of_presentation_and_decoding_order(dts_range, max_end):
    assert PacketStats(tick=0.001, end=7.2, dts_range=dts_range).max_end == pytest.approx(max_end)


@pytest.mark.parametrize(
    ("timestamps", "last_frame_ticks", "is_variable"),
    [
        ([0, 40, 80, 120, 160, 200], 40, False),
        ([0, 40, 80, 120, 160, 200], 4000, True),
        ([0, 3, 5, 8, 10, 13, 15, 18, 20], 3, False),
        ([0, 40, 80, 3000], 40, True),
        ([0, 40], 40, False),
    ],
)
def test_the_frame_rate_varies_if_some_frames_last_long(timestamps, last_frame_ticks, is_variable):
    assert is_variable_rate(timestamps, last_frame_ticks) is is_variable
