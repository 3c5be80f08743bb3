"""What Prefect's client raises reaches nobody; a run is created once, and a deleted run is no error."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Crashed

from penstock.orchestration.flow_runs import DEPLOYMENT, ActiveRun, EventsRefused, FlowRuns, PrefectUnavailable
from penstock.orchestration.prefect_server import PrefectAddress
from tests.orchestration.conftest import task_of

DEPLOYMENT_ID = uuid4()
MISSING = ObjectNotFound(httpx.HTTPError("404"))
AWAY = httpx.ConnectError("away")


class Client:
    """Prefect's client: returns `result` from every call, or raises it, and remembers the calls."""

    def __init__(self, result=None):
        self.result = result
        self.calls: list[tuple[str, tuple, dict]] = []

    def __getattr__(self, name):
        async def call(*arguments, **options):
            self.calls.append((name, arguments, options))
            if name == "read_deployment_by_name" and not isinstance(self.result, Exception):
                return SimpleNamespace(id=DEPLOYMENT_ID)
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        return call

    def names(self):
        return [name for name, _, _ in self.calls]


def runs_with(result=None) -> FlowRuns:
    return FlowRuns(PrefectAddress("http://prefect/api"), Client(result))


def test_a_run_is_created_with_the_idempotency_key_of_its_attempt():
    run_id = uuid4()
    runs = runs_with(SimpleNamespace(id=run_id))

    assert asyncio.run(runs.create(task_of(file_id="file_abcdefgh1234"))) == str(run_id)
    name, (deployment,), options = runs.client.calls[-1]
    assert (name, deployment) == ("create_flow_run_from_deployment", DEPLOYMENT_ID)
    assert options["idempotency_key"] == "tsk_1:1"
    assert options["parameters"] == {"task_id": "tsk_1", "attempt": 1}
    assert options["work_queue_name"] == "default"


def test_the_deployment_is_read_once():
    runs = runs_with(SimpleNamespace(id=uuid4()))
    for _ in range(2):
        asyncio.run(runs.create(task_of(file_id="file_abcdefgh1234")))

    assert runs.client.names().count("read_deployment_by_name") == 1


def test_a_deployment_that_is_missing_is_read_again_by_the_next_try():
    runs = runs_with(MISSING)
    runs.deployments[DEPLOYMENT] = DEPLOYMENT_ID
    with pytest.raises(PrefectUnavailable):
        asyncio.run(runs.create(task_of(file_id="file_abcdefgh1234")))

    assert not runs.deployments


CALLS = {
    "create": lambda runs: runs.create(task_of(file_id="file_abcdefgh1234")),
    "crash": lambda runs: runs.crash(str(uuid4())),
    "active": lambda runs: runs.active(),
    "states": lambda runs: runs.states([str(uuid4())]),
    "active_slots": lambda runs: runs.active_slots("transcode"),
    "free_slots": lambda runs: runs.free_slots("transcode", 1, 1.0),
    "free_lease": lambda runs: runs.free_lease(str(uuid4())),
    "require_prefect": lambda runs: runs.require_prefect(),
    "server_time": lambda runs: runs.server_time(),
}


@pytest.mark.parametrize("error", [AWAY, TimeoutError()], ids=["connection", "timeout"])
@pytest.mark.parametrize("call", CALLS)
def test_an_outage_is_one_error_for_every_caller(call, error):
    with pytest.raises(PrefectUnavailable):
        asyncio.run(CALLS[call](runs_with(error)))


@pytest.mark.parametrize("error", [AWAY, MISSING])
@pytest.mark.parametrize("call", ["cancel", "end_unstarted"])
def test_a_cancel_that_prefect_does_not_accept_is_no_error(call, error):
    asyncio.run(getattr(runs_with(error), call)(str(uuid4())))


def test_a_deleted_run_needs_no_end():
    asyncio.run(runs_with(MISSING).end(str(uuid4()), Crashed()))


def test_a_limit_that_does_not_exist_has_no_taken_slots():
    assert asyncio.run(runs_with(MISSING).active_slots("transcode")) == 0


def test_active_runs_say_whether_they_were_created_for_a_task():
    ours, other = (
        SimpleNamespace(id=uuid4(), deployment_id=DEPLOYMENT_ID),
        SimpleNamespace(id=uuid4(), deployment_id=None),
    )
    active = asyncio.run(runs_with([ours, other]).active())

    assert active == [ActiveRun(str(ours.id), True), ActiveRun(str(other.id), False)]


def test_the_states_of_many_runs_take_one_call():
    found = [SimpleNamespace(id=UUID(int=number), state=Completed()) for number in range(3)]
    runs = runs_with(found)
    states = asyncio.run(runs.states([str(run.id) for run in found]))

    assert {state.name for state in states.values()} == {"Completed"}
    assert runs.client.names() == ["read_flow_runs"]


@pytest.mark.parametrize(("status", "raised"), [(422, EventsRefused), (413, EventsRefused), (401, PrefectUnavailable)])
def test_wrong_events_are_told_from_a_prefect_that_is_away(status, raised):
    answer = httpx.Response(status, request=httpx.Request("POST", "http://prefect/api/events"))
    runs = runs_with(httpx.HTTPStatusError("refused", request=answer.request, response=answer))
    with pytest.raises(raised):
        asyncio.run(runs.emit([{}]))


def test_health_is_degraded_while_prefect_is_away():
    health = asyncio.run(runs_with(AWAY).health())

    assert (health.prefect, health.workers) == ("degraded", "degraded")


def test_the_time_of_prefect_is_that_of_its_responses():
    date = datetime.now(UTC) + timedelta(days=2)
    runs = runs_with(httpx.Response(200, headers={"date": format_datetime(date, usegmt=True)}))

    assert abs(asyncio.run(runs.server_time()) - date) < timedelta(seconds=2)
