"""A home has secrets and at most one running service."""

import fcntl
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.domain.errors import Misconfigured
from penstock.host.home import Home
from tests.service import SERVICE, open_to_others


def test_a_secret_is_created_once_and_readable_by_its_owner_only(tmp_path):
    home = Home.at(tmp_path / "home")
    secret = home.secret("prefect")

    assert (home.secret("prefect"), len(secret) > 30) == (secret, True)
    assert (tmp_path / "home" / "secrets" / "prefect").stat().st_mode & 0o777 == 0o600


def test_a_home_is_private_to_its_owner(tmp_path, mask):
    home = Home.at(tmp_path / "home")
    home.publish(SERVICE)
    with home.claim(), home.use():
        assert open_to_others(tmp_path / "home") == []


@pytest.fixture
def mask():
    """A umask of 0."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_home_that_was_readable_to_others_is_closed_but_not_the_targets_of_its_links(tmp_path, mask):
    (tmp_path / "home" / "files" / "prj_a").mkdir(parents=True)
    (tmp_path / "home" / "files" / "prj_a" / "file_a").write_bytes(b"")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home" / "scratch").symlink_to(tmp_path / "elsewhere")
    Home.at(tmp_path / "home")

    assert open_to_others(tmp_path / "home") == []
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o777


def test_a_world_writable_folder_keeps_its_mode_when_it_becomes_a_home(tmp_path, mask):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    Home.at(tmp_path / "shared")
    assert (tmp_path / "shared").stat().st_mode & 0o7777 == 0o1777
    assert open_to_others(tmp_path / "shared" / "secrets") == []


def test_a_folder_that_cannot_be_created_is_reported(tmp_path):
    with pytest.raises(Misconfigured, match=r"The home /proc/home cannot be used: "):
        Home.at(Path("/proc/home"))


def test_an_event_is_first_only_once(tmp_path):
    home = Home.at(tmp_path)
    assert [home.is_first_time("key shown"), home.is_first_time("key shown")] == [True, False]


def test_a_service_shows_none_of_its_secrets():
    assert "the-key-of-the-service" not in repr(SERVICE)
    assert "secret" not in repr(SERVICE)


def test_a_service_is_found_while_it_runs(tmp_path):
    home = Home.at(tmp_path)
    with home.claim() as ours:
        assert ours
        home.publish(SERVICE)
        assert Home.at(tmp_path).running_service() == SERVICE
    assert home.running_service() is None


def test_the_address_of_a_killed_service_is_not_used(tmp_path):
    home = Home.at(tmp_path)
    home.publish(SERVICE)
    assert home.running_service() is None
    with home.claim():
        assert home.running_service() is None


def test_the_address_of_a_killed_service_is_not_used_while_the_next_one_starts(tmp_path):
    killed = subprocess.Popen(["true"])
    killed.wait()
    home = Home.at(tmp_path)
    with home.claim():
        home.publish(replace(SERVICE, process=killed.pid))
        assert home.running_service() is None


def test_two_checks_at_once_find_no_service(tmp_path):
    home = Home.at(tmp_path)
    with (tmp_path / "service.lock").open("a") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not home.is_claimed()


def test_a_home_has_at_most_one_service(tmp_path):
    home = Home.at(tmp_path)
    with home.claim() as first, Home.at(tmp_path).claim() as second:
        assert (first, second) == (True, False)


def test_a_service_closes_only_when_nobody_uses_it(tmp_path):
    home = Home.at(tmp_path)
    with home.use(), home.close_if_unused() as free:
        assert not free
    with home.close_if_unused() as free:
        assert free
