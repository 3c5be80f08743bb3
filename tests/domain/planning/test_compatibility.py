from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.domain.formats import FORMATS
from penstock.domain.planning.compatibility import is_final, is_final_by_index, require_possible
from penstock.domain.planning.matrix import CONTAINERS, REFUSED_PAIRS, conversion_matrix
from tests.domain.facts import asked, audio, image, video

MOV_TO_MP3 = ("mov", "mp3")


@pytest.mark.parametrize("output", FORMATS)
def test_a_video_can_become_every_format(output):
    require_possible(asked(FORMATS[output].kind, output), video())


@pytest.mark.parametrize(("kind", "output"), [("video", "mp4"), ("image", "png")])
def test_audio_cannot_become_video_or_image(kind, output):
    with pytest.raises(errors.KindIncompatible, match="Audio cannot become"):
        require_possible(asked(kind, output), audio())


@pytest.mark.parametrize(("kind", "output"), [("video", "mp4"), ("audio", "mp3")])
def test_an_image_cannot_become_video_or_audio(kind, output):
    with pytest.raises(errors.KindIncompatible) as refused:
        require_possible(asked(kind, output), image())
    assert refused.value.field == "kind"


def test_a_video_without_audio_cannot_become_audio():
    with pytest.raises(errors.NoAudioStream):
        require_possible(asked("audio", "wav"), video(sound=None))


def test_a_mov_cannot_become_an_mp3():
    with pytest.raises(errors.FormatIncompatible, match=r"\.mov") as refused:
        require_possible(asked("audio", "mp3"), video("mov"))
    assert refused.value.field == "format"


def test_a_mov_can_become_other_audio():
    require_possible(asked("audio", "wav"), video("mov"))


def test_an_operator_can_allow_a_refused_pair():
    require_possible(asked("audio", "mp3"), video("mov"), frozenset((MOV_TO_MP3,)))


def test_the_matrix_has_a_row_for_every_container():
    assert [row["container"] for row in conversion_matrix()] == list(CONTAINERS)


def test_the_matrix_gives_a_reason_for_every_refusal():
    cells = [cell for row in conversion_matrix() for entry in row["inputs"] for cell in entry["outputs"]]
    assert all(cell["allowed"] == (cell["reason"] is None) for cell in cells)


def test_the_matrix_shows_a_refused_pair_unless_it_is_allowed():
    assert _mov_to_mp3(conversion_matrix())["reason"] == REFUSED_PAIRS[MOV_TO_MP3]
    assert _mov_to_mp3(conversion_matrix(frozenset((MOV_TO_MP3,))))["allowed"]


def _mov_to_mp3(rows):
    row = next(row for row in rows if row["container"] == "mov")
    video_row = next(entry for entry in row["inputs"] if entry["kind"] == "video")
    return next(cell for cell in video_row["outputs"] if cell["format"] == "mp3")


def test_the_start_of_a_video_may_look_like_audio():
    assert not is_final(errors.KindIncompatible("audio"), "mov")


def test_the_start_of_an_image_shows_its_kind_and_size():
    assert is_final(errors.KindIncompatible("image"), "png")
    assert is_final(errors.UpscaleNotAllowed("too small"), "png")


TOO_MUCH, TOO_LATE = errors.InputLimitsExceeded("Too much."), errors.FieldInvalid("Too late.", field="start")
FRAGMENT = video(duration=1.0)  # an index of a tenth of it


@pytest.mark.parametrize(
    ("refusal", "media", "start", "expected"),
    [
        (errors.NoAudioStream("None."), video("matroska"), 0, True),
        (errors.UpscaleNotAllowed("Small."), FRAGMENT, 0, True),
        (TOO_MUCH, video(), 0, True),
        (TOO_MUCH, FRAGMENT, 0, False),
        (TOO_MUCH, video("matroska"), 0, False),
        (TOO_LATE, video(), 9.99, True),
        (TOO_LATE, FRAGMENT, 11, False),
        (TOO_LATE, video("matroska"), 11, True),
        (TOO_LATE, video("matroska"), 9.99, False),
        (TOO_LATE, replace(video("matroska"), header_duration=None), 11, False),
    ],
)
def test_an_error_from_an_index_is_final_where_the_index_is_complete(refusal, media, start, expected):
    assert is_final_by_index(refusal, asked("video", "mp4", start=start), media.container, media) == expected


def test_exceeded_limits_are_final_where_the_index_counts_frames():
    told = [is_final_by_index(TOO_MUCH, asked("video", "mp4"), container, None) for container in ("mov", "avi")]
    assert told == [True, False]
