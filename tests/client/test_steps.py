"""What operations ask of their driver, step by step, without a service."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock import errors
from penstock.client.address import ServiceAddress, behind, located
from penstock.client.answers import Envelope
from penstock.client.batch_models import BatchItem
from penstock.client.calls import Answer
from penstock.client.conversions import convert, wait_for_batch, wait_for_task
from penstock.client.models import File, Task
from penstock.client.operations import new_entries, project
from penstock.client.transfers import download

NOW = datetime(2026, 1, 31, tzinfo=UTC)
CONTENT = b"picture" * 100
FILE = File(
    id="file_1",
    object="source",
    kind="image",
    format="png",
    type="image/png",
    filesize=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    created=NOW,
    updated=NOW,
    url="http://penstock/files/file_1/content",
)
WITHOUT_OUTPUT = Task(id="tsk_1", input="i", kind="image", format="png", status="completed", created=NOW, updated=NOW)


def test_two_downloads_of_the_same_content_do_not_write_to_one_file(tmp_path):
    broken = download(FILE, tmp_path / "a.png", resume=True)
    sink = next(broken).call.sink
    sink(200, CONTENT[:10])
    whole = download(FILE, tmp_path / "b.png", resume=True)
    next(whole).call.sink(200, CONTENT)
    with pytest.raises(StopIteration):
        whole.send(Answer(200, {}, b"", "http://penstock"))
    sink(200, CONTENT[10:20])
    broken.close()

    assert (tmp_path / "b.png").read_bytes() == CONTENT
    assert [place.stat().st_size for place in tmp_path.glob(".penstock-*")] == [20]


def test_a_download_that_is_to_pause_for_an_hour_is_an_error_at_once(tmp_path):
    steps = download(FILE, tmp_path / "a.png")
    next(steps)
    body = b'{"error": {"type": "rate_limit_error", "code": "rate_limited", "message": "Later."}}'
    with pytest.raises(errors.MediaError, match="Later"):
        steps.send(Answer(429, {"retry-after": "3600"}, body, "http://penstock"))

    assert list(tmp_path.iterdir()) == []


def test_a_download_into_a_folder_stays_in_it(tmp_path):
    (tmp_path / "in").mkdir()
    hostile = File(**{**vars(FILE), "id": "../../over"})
    steps = download(hostile, tmp_path / "in")
    next(steps).call.sink(200, CONTENT)
    with pytest.raises(StopIteration) as end:
        steps.send(Answer(200, {}, b"", "http://penstock"))
    assert end.value.value == tmp_path / "in" / "over.png"


def test_an_output_that_is_deleted_each_time_is_an_error_and_no_endless_conversion():
    sent = []
    with pytest.raises(errors.FileNotFound):
        answer_all(convert("https://example.com/a.png", format="png"), WITHOUT_OUTPUT, sent)
    assert sent == ["POST", "GET", "POST", "GET"]


def answer_all(steps, data, sent):
    """Answers every call alike, and notes its method."""
    call = next(steps)
    while len(sent) < 20:
        sent.append(call.method)
        call = steps.send(Envelope(data=data))


def test_a_service_that_is_away_is_not_waited_for_longer_than_asked():
    batch = next(wait_for_batch("bat_1", timeout=2))
    task = next(wait_for_task("tsk_1", timeout=86_400))
    assert (batch.patience_seconds <= 2, task.patience_seconds) == (True, 300)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    monkeypatch.setenv("PENSTOCK_API_URL", "http://mine:8000/")
    monkeypatch.setenv("PENSTOCK_API_KEY", "key")
    return monkeypatch


def test_the_key_of_one_service_is_not_sent_to_that_of_a_link(environment):
    assert behind("https://other/files/file_1/content") == ServiceAddress("http://mine:8000", "key")
    environment.delenv("PENSTOCK_API_URL")
    assert behind("https://other/files/file_1/content") == ServiceAddress("https://other", "")


def test_an_address_without_its_scheme_is_refused_at_once(environment):
    environment.setenv("PENSTOCK_API_URL", "mine:8000")
    with pytest.raises(errors.ServiceNotFound, match="http://"):
        located(None, None)


def test_a_key_with_a_line_break_at_its_end_is_the_key(environment):
    environment.setenv("PENSTOCK_API_KEY", "key\n")
    assert located(None, None) == located(None, "key\n") == ServiceAddress("http://mine:8000", "key")


def test_an_entry_that_moves_to_the_next_page_is_not_repeated_with_its_new_link():
    moved, new = replace(FILE, url="http://penstock/newer"), replace(FILE, id="file_2")
    assert new_entries([moved, new], [FILE]) == [new]
    lines = [BatchItem(number=number, input="i", status=status) for number, status in ((1, "queued"), (1, "completed"))]
    assert new_entries(lines[1:], lines[:1]) == []


def test_a_service_that_does_not_tell_the_project_is_no_reason_to_take_another_one():
    steps = project()
    next(steps)
    with pytest.raises(errors.ServiceIncompatible, match="older version"):
        steps.send(Envelope(data=[]))
