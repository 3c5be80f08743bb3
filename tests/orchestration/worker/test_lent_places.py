"""A run that waits lends its place: the worker has one more, as many as it may lend."""

import asyncio
import threading

import anyio
import pytest

from penstock.orchestration.run.lent_place import lending, place_lent
from penstock.orchestration.worker.run_pool import QueuePlaces
from penstock.orchestration.worker.warm_worker import WarmWorker


@pytest.fixture
def worker(records, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    return WarmWorker("media", "a worker", QueuePlaces(2, lent=2), records)


def places_while(worker, waiting):
    """How many places there are while so many runs wait, each on a thread of its own, and how many afterwards."""
    all_wait, may_end = threading.Barrier(waiting + 1), threading.Event()

    def wait(lend):
        with lending(lend), place_lent():
            all_wait.wait(30)
            assert may_end.wait(30)

    async def run():
        worker._limiter = anyio.CapacityLimiter(worker.places.count)
        loop = asyncio.get_running_loop()
        runs = [asyncio.create_task(asyncio.to_thread(wait, lambda: worker._lent_place(loop))) for _ in range(waiting)]
        await asyncio.to_thread(all_wait.wait, 30)
        await asyncio.sleep(0)
        during = worker.limiter.total_tokens
        may_end.set()
        await asyncio.gather(*runs)
        return during, worker.limiter.total_tokens

    return asyncio.run(run())


@pytest.mark.parametrize(("waiting", "places"), [(0, 2), (1, 3), (2, 4), (3, 4)])
def test_runs_that_wait_leave_their_places_to_others(worker, waiting, places):
    assert places_while(worker, waiting) == (places, 2)


def test_a_full_worker_polls_when_a_run_begins_to_wait(worker):
    worker.is_full = True
    places_while(worker, 1)
    assert worker.wake.is_set()


def test_a_run_takes_more_than_the_places_when_its_wait_ends(worker):
    """It has an encoder: to let it wait for a place would leave the encoder idle."""

    async def run():
        worker._limiter = anyio.CapacityLimiter(2)
        worker._count_waiting(1)
        for name in ("waits", "works", "works too"):
            worker.limiter.acquire_on_behalf_of_nowait(name)
        worker._count_waiting(-1)
        worker.queues = ["default"]
        return worker.limiter.available_tokens, await worker.poll()

    assert asyncio.run(run()) == (-1, [])
    assert worker.is_full


def test_a_run_whose_worker_has_ended_meanwhile_lends_nothing(worker):
    loop = asyncio.new_event_loop()
    loop.close()
    with worker._lent_place(loop):
        pass
    assert worker.waiting == 0


def test_a_run_in_a_stock_worker_has_no_place_to_lend():
    with place_lent():
        pass
