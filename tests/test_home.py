"""A home knows its secrets, and whether a service runs on it."""

import fcntl
import os
import subprocess
from dataclasses import replace

from penstock.home import Home, Service

SERVICE = Service("http://127.0.0.1:1", "http://127.0.0.1:2/api", "http://127.0.0.1:2", "postgresql://", os.getpid())


def test_a_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path):
    home = Home.at(tmp_path / "home")
    secret = home.secret("prefect")

    assert (home.secret("prefect"), len(secret) > 30) == (secret, True)
    assert (tmp_path / "home" / "secrets" / "prefect").stat().st_mode & 0o777 == 0o600


def test_the_first_time_is_the_first_time_only(tmp_path):
    home = Home.at(tmp_path)
    assert [home.first("key shown"), home.first("key shown")] == [True, False]


def test_a_service_is_found_while_it_runs(tmp_path):
    home = Home.at(tmp_path)
    with home.claimed() as ours:
        assert ours
        home.announce(SERVICE)
        assert Home.at(tmp_path).running() == SERVICE
    assert home.running() is None


def test_the_address_of_a_service_that_was_killed_is_not_believed(tmp_path):
    home = Home.at(tmp_path)
    home.announce(SERVICE)
    assert home.running() is None
    with home.claimed():
        assert home.running() is None


def test_nor_is_it_while_the_next_one_comes_up(tmp_path):
    killed = subprocess.Popen(["true"])
    killed.wait()
    home = Home.at(tmp_path)
    with home.claimed():
        home.announce(replace(SERVICE, process=killed.pid))
        assert home.running() is None


def test_two_who_look_do_not_take_each_other_for_a_service(tmp_path):
    home = Home.at(tmp_path)
    with (tmp_path / "service.lock").open("a") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not home.is_claimed()


def test_two_services_on_one_home_are_one_too_many(tmp_path):
    home = Home.at(tmp_path)
    with home.claimed() as first, Home.at(tmp_path).claimed() as second:
        assert (first, second) == (True, False)


def test_a_service_closes_only_when_nobody_uses_it(tmp_path):
    home = Home.at(tmp_path)
    with home.used(), home.closing() as free:
        assert not free
    with home.closing() as free:
        assert free
