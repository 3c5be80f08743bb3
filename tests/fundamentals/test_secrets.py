"""Secrets of requests and of the service appear in no log, parameter, artifact or error."""

import pytest

from tests.fundamentals.stored import files_of, logs_of, tables_with
from tests.service import processes_with, wait_for

pytestmark = pytest.mark.service

MARKER = "hush-4c1e9d"


@pytest.fixture(scope="module")
def tasks(penstock, origin, photo):
    """Tasks of URLs with a secret: one is completed, the others fail, each in another way."""
    (photo.parent / "page.html").write_text("<!doctype html><title>Not a film</title>")
    names = {photo.name: {}, "gone.png": {}, "page.html": {}, f"./{photo.name}": {"width": 5000}}
    made = [
        penstock.client.create({"url": f"{origin}/{name}?sig={MARKER}", "kind": "image", "format": "gif", **wish})
        for name, wish in names.items()
    ]
    ended = [penstock.finished(task) for task in made]
    for task in ended[1:]:
        wait_for(lambda task=task: logs_of(penstock, task))
    return ended


@pytest.fixture(params=["address", "key", "prefect"])
def secret(request, penstock):
    return {"address": MARKER, "key": penstock.key, "prefect": penstock.home.secret("prefect")}[request.param]


def test_it_is_in_no_log_and_no_other_file_of_the_home(penstock, tasks, secret):
    assert [task["status"] for task in tasks] == ["completed", "failed", "failed", "failed"]
    assert [place for place in files_of(penstock.home.root) if secret.encode() in place.read_bytes()] == []


def test_it_is_nowhere_in_prefect(penstock, tasks, secret):
    """Runs, states, parameters, names, tags, logs, events and artifacts are all in Prefect's database."""
    assert tasks
    assert tables_with(secret, penstock, "prefect") == []


def test_it_is_in_no_error_and_no_command_line(tasks, secret):
    assert [task["error"] for task in tasks if secret in str(task["error"])] == []
    assert processes_with(secret) == []


def test_an_address_is_not_shown_to_others(penstock, tasks):
    assert tables_with(MARKER, penstock, "penstock") == ["tasks"]
    assert {task["input"].partition("?")[2] for task in tasks} == {f"sig={MARKER}"}


def test_keys_are_stored_as_hashes_only(penstock):
    assert tables_with(penstock.key, penstock, "penstock") == []
