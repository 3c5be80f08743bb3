"""Commands that only read create no home, no database and no key."""

import shlex
from dataclasses import replace

import pytest
from click.testing import CliRunner

from penstock.cli.main import cli
from penstock.host.home import Home
from penstock.settings import read_settings
from penstock.settings.own_service import own_urls, without_own_service
from tests.service import SERVICE, exported


def said(home, *words, **environment):
    lonely = {"PENSTOCK_HOME": str(home), "PENSTOCK_API_KEY": None, "PENSTOCK_DATABASE_URL": None}
    prefect = dict.fromkeys(("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"))
    return CliRunner().invoke(cli, words, env=lonely | prefect | environment)


NOTHING_YET = {
    ("keys", "list"): "Error: There is no database in {home} yet; `penstock up` creates it.",
    ("keys", "secret"): "Error: There is no database in {home} yet; `penstock up` creates it.",
    ("keys", "revoke", "key_a"): "Error: There is no database in {home} yet; `penstock up` creates it.",
    ("env",): "Error: No service runs on this home; start `penstock up` first.",
    ("cancel", "tsk_abcdefghijklmnop"): "Error: No service runs on this home.",
}


@pytest.mark.parametrize("words", NOTHING_YET, ids=" ".join)
def test_commands_that_read_create_nothing(tmp_path, words):
    told = said(tmp_path / "home", *words)
    assert (told.exit_code != 0, told.stderr.strip()) == (True, NOTHING_YET[words].format(home=tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_doctor_reports_a_missing_home_and_creates_none(tmp_path):
    told = said(tmp_path / "home", "doctor")
    assert f"✗ database: There is no database in {tmp_path / 'home'} yet" in told.stdout
    assert "✓ storage: a folder of the home; the first start creates it" in told.stdout
    assert not (tmp_path / "home").exists()


def test_env_prints_the_credentials_of_the_running_service(tmp_path):
    home = Home.at(tmp_path / "home")
    home.secret("prefect")
    with home.claim():
        home.publish(SERVICE)
        told = said(home.root, "env").stdout.splitlines()
    assert "export PREFECT_API_AUTH_STRING=me:secret" in told
    assert "export PENSTOCK_API_KEY=the-key-of-the-service" in told
    assert not (home.root / "secrets" / "api_key").exists()


def test_what_env_sets_does_not_keep_the_next_service_waiting_for_parts_that_ended(tmp_path, monkeypatch):
    home = Home.at(tmp_path / "home")
    with home.claim():
        home.publish(replace(SERVICE, own_urls=[SERVICE.prefect_api_url, SERVICE.database_url]))
        told = said(home.root, "env").stdout.splitlines()
    for line in told:
        name, _, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, "".join(shlex.split(value)))
    settings = read_settings()
    assert (settings.prefect_api_url, settings.database_url) == (SERVICE.prefect_api_url, SERVICE.database_url)
    left = without_own_service(settings, own_urls())
    assert (left.prefect_api_url, left.prefect_ui_url, left.database_url) == (None, None, None)


def test_a_prefect_or_database_that_somebody_names_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("PENSTOCK_OWN_URLS", SERVICE.database_url)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", "postgresql://db.example/penstock")
    left = without_own_service(read_settings(tmp_path), own_urls())
    assert left == read_settings(tmp_path)


@pytest.mark.service
def test_listing_keys_creates_no_key(penstock):
    before = told(penstock, "keys", "list")
    other = exported(penstock) | {"PENSTOCK_API_KEY": "another-key-of-this-shell"}
    assert CliRunner().invoke(cli, ["keys", "list"], env=other).stdout == before == told(penstock, "keys", "list")


@pytest.mark.service
def test_keys_lists_those_of_the_running_service(penstock):
    bare = said(penstock.home.root, "keys", "list")
    assert (bare.exit_code, bare.stdout) == (0, told(penstock, "keys", "list"))


@pytest.mark.service
def test_a_project_can_be_given_by_name(penstock):
    told(penstock, "keys", "create", "--new-project", "films")
    by_name = told(penstock, "keys", "secret", "--project", "films")
    key_id = told(penstock, "keys", "create", "--project", "films").split()[0]
    project = next(line.split()[1] for line in told(penstock, "keys", "list").splitlines() if line.startswith(key_id))

    assert by_name == told(penstock, "keys", "secret", "--project", project)
    missing = CliRunner().invoke(cli, ["keys", "secret", "--project", "none"], env=exported(penstock))
    assert (missing.exit_code, missing.stderr) == (1, "Error: There is no such project.\n")


def told(penstock, *words):
    answered = CliRunner().invoke(cli, words, env=exported(penstock))
    assert answered.exit_code == 0, answered.output
    return answered.stdout
