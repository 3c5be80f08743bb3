"""A lineage server is told what each conversion and batch read and wrote, once it has ended."""

import json

import psycopg
import pytest
from PIL import Image

from penstock.domain.batch.spec import BatchSpec
from penstock.domain.errors import Misconfigured
from penstock.lineage import configured, telling
from tests.batches.conftest import batch_database, new_services, runner, services  # noqa: F401 - fixtures
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.media


@pytest.fixture
def lineage(services, monkeypatch):  # noqa: F811
    """A server that keeps the events, which the services tell it of."""
    with receiving() as server:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        services.records.event_outbox.set_lineage(enabled=True)
        yield server
        services.records.event_outbox.set_lineage(enabled=False)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (120, 80), "red").save(folder / "a.jpg")
    (folder / "damaged.jpg").write_bytes(b"damaged")
    return folder


def converted(runner, photos):  # noqa: F811
    spec = BatchSpec(source=str(photos), destination=str(photos.parent / "out"), defaults={"format": "webp"})
    return runner.run(spec)


def told(services, server):  # noqa: F811
    """What the server was sent, by job and type."""
    telling._tell_page(services, telling._emitter())
    events = [json.loads(message.body) for message in server.messages]
    return {(event["job"]["name"], event["eventType"]): event for event in events}


def test_a_batch_and_its_lines_are_told_with_inputs_outputs_digests_and_recipe(lineage, services, runner, photos):  # noqa: F811
    batch = converted(runner, photos)
    events = told(services, lineage)

    line, whole = "batch.photos → webp.convert.image.webp", "batch.photos → webp"
    assert set(events) == {
        (whole, "START"), (whole, "COMPLETE"), (line, "START"), (line, "COMPLETE"), (line, "FAIL"),
    }  # fmt: skip
    done, failed, of_batch = events[line, "COMPLETE"], events[line, "FAIL"], events[whole, "COMPLETE"]
    (read,), (written,) = done["inputs"], done["outputs"]
    assert (read["namespace"], read["name"]) == ("file", str(photos / "a.jpg"))
    assert (written["namespace"], written["name"]) == ("file", str(photos.parent / "out" / "a.webp"))
    task = runner.services.records.tasks.get_by_id(runner.items(batch)["a.jpg"].task_id)
    assert written["facets"]["version"]["datasetVersion"] == task.output.facts.sha256
    assert written["outputFacets"]["outputStatistics"]["size"] == task.output.facts.filesize
    recipe = {each["key"]: each["value"] for each in done["run"]["facets"]["executionParameters"]["parameters"]}
    assert (recipe["format"], recipe["quality"]) == ("webp", "0.8")
    assert any(key.startswith("tool.") for key in recipe)
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("input_unreadable: ")
    assert done["run"]["facets"]["parent"]["run"]["runId"] == of_batch["run"]["runId"]
    assert events[line, "START"]["run"]["runId"] in {done["run"]["runId"], failed["run"]["runId"]}


def test_what_ended_while_the_server_was_away_is_told_later(lineage, services, runner, photos, monkeypatch):  # noqa: F811
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "404")
    monkeypatch.setattr(telling, "RETRY_SECONDS", -1)
    converted(runner, photos)
    assert telling._tell_page(services, telling._emitter()) == -1
    assert len(lineage.messages) == 1, "the others are not tried in vain"

    lineage.messages.clear()
    monkeypatch.delenv("OPENLINEAGE_ENDPOINT")
    assert ("batch.photos → webp", "COMPLETE") in told(services, lineage)


def test_an_event_that_cannot_be_made_holds_up_no_other(lineage, services, runner, photos):  # noqa: F811
    converted(runner, photos)
    with psycopg.connect(services.records.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE event_outbox SET snapshot = '{}', due = now() - interval '1 h'"
            " WHERE id = (SELECT id FROM event_outbox WHERE receiver = 'lineage' AND type = 'task.completed' LIMIT 1)"
        )
        try:
            assert ("batch.photos → webp", "COMPLETE") in told(services, lineage)
        finally:
            connection.execute("DELETE FROM event_outbox WHERE snapshot = '{}'")


def test_without_a_server_nothing_is_kept_for_it(services, runner, photos):  # noqa: F811
    converted(runner, photos)

    assert services.records.event_outbox.claim(10, "lineage") == []


def test_a_server_without_the_client_is_told_at_the_start(monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(configured, "find_spec", lambda _name: None)

    with pytest.raises(Misconfigured, match="install penstock\\[lineage\\]"):
        configured.require_client()
