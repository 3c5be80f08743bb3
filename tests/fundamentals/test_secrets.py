"""Secrets of requests and of the service appear in no log, parameter, artifact or error."""

import httpx
import pytest

from penstock import Client
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


@pytest.fixture(scope="module")
def imports(penstock, origin, photo):
    """Imports of such URLs: one is stored, the others fail."""
    with Client(penstock.service.api_url, penstock.key) as client:
        made = [
            client.import_file(f"{origin}/{name}?sig={MARKER}").id for name in (photo.name, "gone.png", "page.html")
        ]
        wait_for(lambda: all(client.file(each).status != "processing" for each in made), 60)
        return [client.file(each) for each in made]


@pytest.fixture(scope="module")
def link(penstock, photo):
    """The signature of a link that has uploaded a file, and failed to upload another one."""
    with Client(penstock.service.api_url, penstock.key) as client:
        url = client.sign_upload("a.png").url
    for content in (b"no media", photo.read_bytes(), photo.read_bytes()):
        httpx.put(url, content=content, trust_env=False)
    return url.rpartition("signature=")[2]


@pytest.fixture(params=["address", "key", "prefect", "link"])
def secret(request, penstock, link):
    own = {"address": MARKER, "key": penstock.key, "prefect": penstock.home.secret("prefect"), "link": link}
    return own[request.param]


def test_it_is_in_no_log_and_no_other_file_of_the_home(penstock, tasks, imports, secret):
    assert [file.status for file in imports] == ["ready", "failed", "failed"]
    assert [task["status"] for task in tasks] == ["completed", "failed", "failed", "failed"]
    assert [place for place in files_of(penstock.home.root) if secret.encode() in place.read_bytes()] == []


def test_it_is_nowhere_in_prefect(penstock, tasks, imports, secret):
    """Runs, states, parameters, names, tags, logs, events and artifacts are all in Prefect's database."""
    assert (bool(tasks), bool(imports)) == (True, True)
    assert tables_with(secret, penstock, "prefect") == []


def test_it_is_in_no_error_and_no_command_line(tasks, imports, secret):
    told = [task["error"] for task in tasks] + [file.error for file in imports]
    assert [error for error in told if secret in str(error)] == []
    assert processes_with(secret) == []


def test_an_address_is_not_shown_to_others(penstock, tasks, imports):
    assert [file.name for file in imports if MARKER in str(file)] == []
    assert sorted(tables_with(MARKER, penstock, "penstock")) == ["imports", "tasks"]
    assert {task["input"].partition("?")[2] for task in tasks} == {f"sig={MARKER}"}


def test_keys_are_stored_as_hashes_only_and_links_not_at_all(penstock, link):
    assert [tables_with(secret, penstock, "penstock") for secret in (penstock.key, link)] == [[], []]
