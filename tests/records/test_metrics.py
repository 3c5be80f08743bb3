"""The counters of all processes are one sum, and each task that ends is counted once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from penstock.domain.task import TaskError
from penstock.records import metrics
from tests.records.rows import video_request


@pytest.fixture
def settled(monkeypatch):
    """What ends counts at once; else ten seconds later."""
    now = select(func.extract("epoch", func.clock_timestamp()))
    monkeypatch.setattr(metrics, "_SETTLED_UNTIL", now)


def test_what_processes_count_is_added(separate_records):
    counted = {("accepted", "video"): 2.0, ("accepted", "image"): 1.0, ("stage_seconds", "fetch"): 0.25}
    with ThreadPoolExecutor(8) as processes:
        list(processes.map(lambda _: separate_records.metrics.add(counted), range(40)))
    assert separate_records.metrics.counters() == {key: 40 * value for key, value in counted.items()}


def test_each_task_that_ends_is_counted_once_by_its_code(separate_records, settled):
    records = separate_records
    project = records.keys.new_project("films")
    records.metrics.count_ended()
    tasks = [records.tasks.submit(project, video_request(f"https://example.com/{number}")) for number in range(3)]
    records.tasks.end(tasks[0].id, 1, "failed", TaskError("input_unreadable", "It is damaged."))
    records.metrics.count_ended()
    records.tasks.end(tasks[1].id, 1, "failed", TaskError("input_unreadable", "It is damaged."))
    records.tasks.end(tasks[2].id, 1, "cancelled", None)
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(lambda _: records.metrics.count_ended(), range(8)))
    assert records.metrics.counters() == {("ended", "input_unreadable"): 2, ("ended", "cancelled"): 1}


def test_what_waits_is_told_with_its_age(separate_records):
    project = separate_records.keys.new_project("films")
    nothing = separate_records.metrics.gauges()
    separate_records.tasks.submit(project, video_request("https://example.com/a"))
    waiting = separate_records.metrics.gauges()
    assert (nothing.unfinished, nothing.queue_age, nothing.outbox_age) == ({}, 0, 0)
    assert waiting.unfinished == {"queued": 1}
    assert 0 < waiting.queue_age < 60


def test_what_is_set_is_set_and_not_added(separate_records):
    for value in (3, 3, 1):
        separate_records.metrics.set("slots_without_run", value)
    assert separate_records.metrics.counters() == {("slots_without_run", ""): 1}
