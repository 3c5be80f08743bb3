"""A process counts from many threads and writes what it counted once."""

import signal
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.metrics.counts import Counts
from penstock.metrics.exposition import exposition
from penstock.metrics.kill_causes import kill_cause
from penstock.sandbox.supervise import Exit


def shown(counters, gauges=None, unfinished=None):
    """The samples that Prometheus reads, by name and labels."""
    text = exposition(counters, gauges or {}, unfinished or {}).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


def test_nothing_is_lost_between_threads():
    counts, threads = Counts(), []
    for _ in range(8):
        threads.append(threading.Thread(target=lambda: [counts.add("accepted", "video") for _ in range(1000)]))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert counts.take() == {("accepted", "video"): 8000}


def test_what_was_taken_is_not_counted_again():
    counts = Counts()
    counts.add("accepted", "image")
    assert (counts.take(), counts.take()) == ({("accepted", "image"): 1}, {})


def test_what_could_not_be_written_is_kept():
    counts = Counts()
    counts.add("attempts_lost")
    counts.add_all(counts.take())
    counts.add("attempts_lost")
    assert counts.take() == {("attempts_lost", ""): 2}


def test_a_stage_is_in_each_bucket_that_it_fits_in():
    counts = Counts()
    for seconds in (0.2, 0.25, 100_000):
        counts.add_stage("fetch", seconds)
    samples = shown(counts.take())
    buckets = [samples["penstock_stage_seconds_bucket", limit, "fetch"] for limit in ("0.1", "0.25", "7200", "+Inf")]
    assert buckets == [0, 2, 2, 3]
    assert samples["penstock_stage_seconds_count", "fetch"] == 3
    assert samples["penstock_stage_seconds_sum", "fetch"] == pytest.approx(100_000.45)


def test_each_counter_and_gauge_has_its_name_and_label():
    samples = shown(
        {("ended", "completed"): 7, ("ended", "input_unreadable"): 1, ("children_killed", "memory"): 2},
        {"queue_age": 3.5, "slots_without_run": 1},
        {"queued": 4},
    )
    assert samples["penstock_tasks_ended_total", "completed"] == 7
    assert samples["penstock_tasks_ended_total", "input_unreadable"] == 1
    assert samples["penstock_children_killed_total", "memory"] == 2
    assert samples["penstock_queue_age_seconds",] == 3.5
    assert samples["penstock_slots_without_run",] == 1
    assert samples["penstock_tasks_unfinished", "queued"] == 4


CAUSES = {
    Exit("exited", 0, ""): None,
    Exit("exited", 1, ""): None,
    Exit("deadline", -signal.SIGKILL, ""): "deadline",
    Exit("stalled", -signal.SIGKILL, ""): "stalled",
    Exit("cancelled", -signal.SIGKILL, ""): "cancelled",
    Exit("lost", -signal.SIGKILL, ""): "lost",
    Exit("exited", -signal.SIGKILL, ""): "memory",
    Exit("exited", -signal.SIGXCPU, ""): "processor time",
    Exit("exited", -signal.SIGXFSZ, ""): "file size",
    Exit("exited", -signal.SIGSYS, ""): "forbidden call",
    Exit("exited", -signal.SIGSEGV, ""): "crash",
    Exit("exited", -(signal.SIGRTMIN + 3), ""): "crash",  # it has no name
}


@pytest.mark.parametrize(("ended", "cause"), CAUSES.items())
def test_a_kill_has_one_cause_and_an_exit_none(ended, cause):
    assert kill_cause(ended) == cause
