"""A worker is found by the lock that it holds; a file without one is never taken for a process."""

import multiprocessing
import os

import pytest

from penstock.domain.errors import Misconfigured
from penstock.host.local_workers import local_workers, registered_worker


def hold(root, name, ready, over):
    with registered_worker(root, name):
        ready.set()
        over.wait(30)


@pytest.fixture
def worker(tmp_path):
    """A process that is registered, the event that ends it, and the home."""
    spawn = multiprocessing.get_context("spawn")
    ready, over = spawn.Event(), spawn.Event()
    process = spawn.Process(target=hold, args=(tmp_path, "worker-1", ready, over))
    process.start()
    assert ready.wait(30)
    yield process, over, tmp_path
    process.kill()
    process.join()


def test_a_living_worker_is_found_until_it_ends(worker):
    process, over, home = worker
    assert local_workers(home) == {"worker-1": process.pid}
    over.set()
    process.join(30)
    assert local_workers(home) == {}
    assert list((home / "workers").iterdir()) == []


def test_a_worker_that_was_killed_is_not_found_and_its_name_is_free(worker):
    process, _, home = worker
    process.kill()
    process.join()
    (home / "workers" / "older").write_text(str(os.getpid()))
    assert local_workers(home) == {}
    with registered_worker(home, "worker-1"):
        pass


def test_two_workers_cannot_have_one_name(worker):
    _, _, home = worker
    with pytest.raises(Misconfigured, match="called worker-1"), registered_worker(home, "worker-1"):
        pass


def test_a_home_without_workers_has_none(tmp_path):
    assert local_workers(tmp_path / "none") == {}
