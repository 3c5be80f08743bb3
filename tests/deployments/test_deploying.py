"""Deploying at the same time as another worker, and a Prefect that belongs to another user."""

import asyncio
import ssl
from importlib.machinery import ModuleSpec
from inspect import signature

import asyncpg
import pytest
from prefect.exceptions import ObjectAlreadyExists
from sqlalchemy import make_url

from penstock.deployments import bootstrap
from penstock.host.home import Home
from penstock.orchestration import prefect_server
from penstock.orchestration.prefect_server import (
    PrefectAddress,
    prefect_address,
    prefect_database_url,
    server_environment,
)
from penstock.settings import Settings

ADDRESS = PrefectAddress("http://127.0.0.1:4200/api")


def test_a_worker_that_meets_another_one_deploys_again(monkeypatch):
    others = [ObjectAlreadyExists(RuntimeError()), ObjectAlreadyExists(RuntimeError())]

    async def apply(_settings):
        if others:
            raise others.pop()
        return ["convert-source/convert-source"]

    monkeypatch.setattr(bootstrap, "_apply", apply)
    assert asyncio.run(bootstrap.apply_prefect_yaml(Settings())) == ["convert-source/convert-source"]


def test_the_ui_is_copied_into_the_home_where_prefect_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.delenv("PREFECT_SERVER_UI_STATIC_DIRECTORY", raising=False)
    not_ours = ModuleSpec("prefect", None, origin=str(tmp_path / "missing" / "__init__.py"))
    monkeypatch.setattr(prefect_server, "find_spec", lambda _name: not_ours)
    told = server_environment(Home(tmp_path), ADDRESS, None, "postgresql://127.0.0.1/penstock")

    assert told["PREFECT_SERVER_UI_STATIC_DIRECTORY"] == str(tmp_path / "prefect" / "ui")


def test_the_ui_stays_beside_a_prefect_of_our_own(tmp_path):
    told = server_environment(Home(tmp_path), ADDRESS, None, "postgresql://127.0.0.1/penstock")
    assert "PREFECT_SERVER_UI_STATIC_DIRECTORY" not in told


def test_clients_of_our_own_server_load_one_certificate(monkeypatch, tmp_path):
    monkeypatch.delenv("PREFECT_API_SSL_CERT_FILE", raising=False)
    told = server_environment(Home(tmp_path), ADDRESS, None, "postgresql://127.0.0.1/penstock")

    context = ssl.create_default_context(cafile=told["PREFECT_API_SSL_CERT_FILE"])
    assert len(context.get_ca_certs()) == 1


def test_links_to_runs_name_the_ui_that_people_reach():
    given = {"PREFECT_API_URL": "http://prefect:4200/api", "PREFECT_UI_URL": "https://prefect.example.com/"}
    assert prefect_address(Settings(**given)).ui_url == "https://prefect.example.com"


@pytest.mark.parametrize(
    "options",
    ["sslmode=require&channel_binding=require", "connect_timeout=3&target_session_attrs=read-write", "host=/sockets"],
)
def test_prefect_gets_only_those_options_of_a_database_that_its_driver_knows(options):
    url = make_url(prefect_database_url(f"postgresql://me@db/penstock?{options}"))
    _, given = url.get_dialect()().create_connect_args(url)

    assert signature(asyncpg.connect).bind(**given)


def test_prefect_is_the_user_that_the_options_of_a_database_name():
    url = make_url(prefect_database_url("postgresql:///penstock?host=/sockets&user=me&password=a%2Bb&passfile=/pgpass"))
    _, given = url.get_dialect()().create_connect_args(url)

    assert given == {"database": "prefect", "host": "/sockets", "user": "me", "password": "a+b", "passfile": "/pgpass"}


def test_prefect_checks_the_certificate_of_the_database_as_the_records_do(tmp_path):
    url = "postgresql://db/penstock?sslmode=verify-full&sslrootcert=/etc/root.pem"
    told = server_environment(Home(tmp_path), ADDRESS, None, url)

    assert told["PREFECT_SERVER_DATABASE_CONNECTION_URL"].endswith("/prefect?ssl=verify-full")
    assert told["PGSSLROOTCERT"] == "/etc/root.pem"
