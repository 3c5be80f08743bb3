"""How a coordinating run ends, and what it leaves to the next one."""

from datetime import UTC, datetime

import pytest

from penstock.batches.coordinating import Coordinator
from penstock.batches.feeding import Feeder
from penstock.domain import errors
from penstock.domain.batch.batch import BatchItem, BatchOrder
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.orchestration.batch.batch_run import open_batch
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.services import open_services
from penstock.settings import Settings


@pytest.fixture
def services(database, tmp_path):
    with open_services(Settings(home=tmp_path / "home", database_url=database)) as opened:
        yield opened


@pytest.fixture
def batch(records, project):
    spec = BatchSpec(source="/photos", destination="/out", defaults={"format": "webp"})
    return records.batches.submit(project, BatchOrder(spec, trusted=True))


def ended_by(error, batch, services):
    with pytest.raises(type(error)), open_batch(batch.id, batch.attempt, "run", services):
        raise error
    return services.records.batches.get_by_id(batch.id)


def test_an_error_is_recorded_as_the_end_of_the_batch(services, batch):
    found = ended_by(errors.InputUnreachable("There is no such folder."), batch, services)

    assert (found.status, found.error.code) == ("failed", "input_unreachable")


def test_an_outage_of_the_database_is_not_the_end_of_the_batch(services, batch):
    assert ended_by(errors.DatabaseUnavailable("away"), batch, services).status == "processing"


def test_the_coordinator_waits_for_the_database(services, batch, monkeypatch):
    monkeypatch.setattr("penstock.batches.coordinating.RETRY_SECONDS", 0.01)
    outages = [errors.DatabaseUnavailable("away"), errors.DatabaseUnavailable("away")]

    class Feeder:
        is_over = False

        def feed(self):
            if outages:
                raise outages.pop()
            return False

    assert (coordinated(batch, services, Feeder()), outages) == ("completed", [])


class Manifest:
    def append(self, items):
        assert not items


def coordinated(batch, services, feeder):
    return Coordinator(batch, services, StopSignal(), feeder, Manifest(), lambda _ended: None).run()


def claimed(services, batch):
    return [pending.attempt for pending in services.records.unfinished_runs.claim_due(10) if pending.id == batch.id]


def test_a_paused_batch_gives_its_place_in_the_worker_back_and_gets_another_run_when_it_is_resumed(services, batch):
    batches, project = services.records.batches, batch.project_id
    assert claimed(services, batch) == [1]
    with open_batch(batch.id, batch.attempt, "run", services) as run:
        batches.pause(project, batch.id, paused=True)
        assert coordinated(batch, services, Feeder(batch, services)) == "paused"
        run.give_back()

    assert (batches.get(project, batch.id).status, claimed(services, batch)) == ("paused", [])
    batches.pause(project, batch.id, paused=False)
    assert claimed(services, batch) == [2]


def test_a_paused_batch_whose_time_is_over_gets_a_run_that_ends_it(services, records, project):
    spec = BatchSpec(source="/films", destination="/out", defaults={"format": "webm"})
    options = RunOptions(not_after=datetime(2026, 1, 31, tzinfo=UTC))
    batch = records.batches.submit(project, BatchOrder(spec, options, trusted=True))
    records.batches.pause(project, batch.id, paused=True)

    assert claimed(services, batch) == [1]
    with open_batch(batch.id, batch.attempt, "run", services):
        assert coordinated(batch, services, Feeder(batch, services)) == "completed"


def test_a_paused_batch_without_a_run_is_cancelled_at_once(services, batch):
    services.records.batches.pause(batch.project_id, batch.id, paused=True)

    assert services.records.batches.cancel(batch.project_id, batch.id).status == "cancelled"


def test_a_batch_is_cancelled_although_its_lines_heard_of_it_first(services, batch):
    with open_batch(batch.id, batch.attempt, "run", services):
        services.records.batches.cancel(batch.project_id, batch.id)
        assert coordinated(batch, services, Feeder(batch, services)) == "cancelled"


def test_a_cancel_while_the_lines_are_listed_cancels_those_that_were(services, batch):
    services.records.batch_items.add(batch.id, [BatchItem(number=1, input="file:///photos/1.jpg")])
    found = ended_by(errors.Cancelled("stop"), batch, services)

    assert found.status == "cancelled"
    assert services.records.batch_items.counts(batch.id).by_status == {"cancelled": 1}


@pytest.mark.parametrize("way", ["rerun", "submit"])
def test_the_failed_lines_of_a_batch_that_was_not_listed_whole_are_not_all_that_is_missing(services, batch, way):
    ended_by(errors.OriginUnavailable("away"), batch, services)
    batches = services.records.batches
    if way == "rerun":
        again = batches.rerun(batch.project_id, batch.id, "failed")
    else:
        again = batches.submit(batch.project_id, BatchOrder(batch.spec, RunOptions(only="failed"), trusted=True))

    assert (again.attempt, again.options.only) == (2, "changed")
