"""What a run is made of, and what engines and Prefect see of it."""

import logging
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest
from prefect.utilities.collections import visit_collection

from penstock.domain.ids import ProjectId, is_stored_key, new_project_id, new_task_id
from penstock.metrics.counts import Counts
from penstock.sandbox.supervise import Exit
from tests.orchestration.conftest import new_run


@pytest.fixture
def run():
    return new_run(new_task_id(), SimpleNamespace(counts=Counts()))


def test_a_lease_cannot_be_changed(run):
    with pytest.raises(FrozenInstanceError):
        run.lease.attempt = 2


def test_the_output_of_a_lease_has_a_key_that_the_sweep_knows_as_ours(run):
    assert is_stored_key(run.lease.output_key(new_project_id()))


def test_every_run_has_an_output_of_its_own(run):
    project = ProjectId("prj_1")
    assert run.lease.output_key(project) != new_run(run.lease.task_id).lease.output_key(project)


def test_prefect_does_not_walk_through_a_run_that_is_passed_to_a_stage(run):
    visited = []
    visit_collection(run, visit_fn=visited.append, return_data=False)

    assert visited == [run]


def test_the_progress_of_an_engine_is_the_run_s(run):
    watch = run.workspace(logging.getLogger()).watch
    watch.progress(42)

    assert run.stages.progress.read()[1] == 42


def test_a_stop_of_the_run_stops_its_engines(run):
    watch = run.workspace(logging.getLogger()).watch
    assert not watch.stopped()
    run.stop.stop("cancelled")

    assert watch.stopped()


def test_the_kill_of_a_child_is_counted_and_its_exit_is_not(run):
    watch = run.workspace(logging.getLogger()).watch
    for ended in (Exit("exited", 0, ""), Exit("stalled", -9, ""), Exit("stalled", -9, "")):
        watch.ended(ended)

    assert run.services.counts.take() == {("children_killed", "stalled"): 2}
