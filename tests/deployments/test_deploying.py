"""Deploying at the same time as another worker, and a Prefect that belongs to another user."""

import asyncio
from importlib.machinery import ModuleSpec

from prefect.exceptions import ObjectAlreadyExists

from penstock.deployments import bootstrap
from penstock.host.home import Home
from penstock.orchestration import prefect_server
from penstock.orchestration.prefect_server import PrefectAddress, prefect_address, server_environment
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


def test_links_to_runs_name_the_ui_that_people_reach():
    given = {"PREFECT_API_URL": "http://prefect:4200/api", "PREFECT_UI_URL": "https://prefect.example.com/"}
    assert prefect_address(Settings(**given)).ui_url == "https://prefect.example.com"
