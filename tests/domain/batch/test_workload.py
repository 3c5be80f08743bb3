"""Estimates of lines, their groups, and samples of them."""

import pytest

from penstock.domain.batch.workload import MAX_GROUP_LINES, EstimatedLine, estimated_line, group_lines, is_in_sample
from penstock.domain.ids import new_task_id


@pytest.mark.parametrize(
    ("kind", "size", "seconds", "is_small"),
    [("image", 4_000_000, 0.07, True), ("audio", 10_000_000, 0.8, True), ("video", 5_000_000, 6, True),
     ("video", 9_000_000, 10, True), ("video", 9_100_000, 10.1, False), ("image", 2_000_000_000, 20.03, False)],
)  # fmt: skip
def test_the_kind_and_the_size_tell_how_long_a_line_takes(kind, size, seconds, is_small):
    line = estimated_line("a", kind, size)

    assert (line.seconds, line.is_small) == (pytest.approx(seconds), is_small)


def test_images_wait_in_a_queue_of_their_own():
    assert [estimated_line("a", kind, 0).queue for kind in ("image", "audio", "video")] == ["image", "media", "media"]


def test_small_lines_share_a_chunk_of_about_20_seconds():
    found = list(group_lines(estimated_line(number, "video", 4_000_000) for number in range(10)))

    assert [chunk.lines for chunk in found] == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)]
    assert [chunk.seconds for chunk in found] == [20, 20, 10]


def test_a_chunk_has_at_most_a_thousand_lines():
    found = group_lines(EstimatedLine(number, 0.001, "image") for number in range(2500))

    assert [len(chunk.lines) for chunk in found] == [MAX_GROUP_LINES, MAX_GROUP_LINES, 500]


def test_queues_do_not_mix_and_a_large_line_is_alone():
    lines = [("a", "image", 0), ("b", "video", 0), ("c", "image", 0), ("d", "video", 50_000_000)]
    found = [(chunk.lines, chunk.queue) for chunk in group_lines(estimated_line(*line) for line in lines)]

    assert found == [(("d",), "media"), (("a", "c"), "image"), (("b",), "media")]


def test_a_full_chunk_is_given_before_the_next_line_is_asked_for():
    asked = []
    stream = (asked.append(number) or EstimatedLine(number, 9.0, "media") for number in range(100))

    assert next(group_lines(stream)).lines == (0, 1, 2)
    assert asked == [0, 1, 2]


def test_a_sample_holds_about_its_share_of_the_tasks():
    tasks = [new_task_id() for _ in range(10_000)]
    assert 800 < sum(is_in_sample(task, 0.1) for task in tasks) < 1200
    assert all(is_in_sample(task, 1.0) and not is_in_sample(task, 0.0) for task in tasks)
