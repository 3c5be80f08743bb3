"""The process that sends is killed, the database goes away: messages come late or twice, never not at all."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest

from penstock.domain import errors
from penstock.webhooks.sending import Sender
from tests.api.app import Project
from tests.service import plain_environment, wait_for
from tests.webhooks.conftest import claimed, logged
from tests.webhooks.receiver import Receiver

# As the API does it, beside its other work.
DELIVERS = """
import asyncio
from penstock.services import open_services
from penstock.settings import read_settings
from penstock.webhooks.delivering import deliver

with open_services(read_settings()) as services:
    asyncio.run(deliver(services, "http://127.0.0.1", str, asyncio.Event()))
"""


def delivering(sender: Sender) -> subprocess.Popen[bytes]:
    settings = sender.services.settings
    environment = plain_environment() | {
        "PENSTOCK_HOME": str(settings.home),
        "PENSTOCK_DATABASE_URL": str(settings.database_url),
        "PENSTOCK_FETCH_ALLOW": "127.0.0.0/8",
    }
    return subprocess.Popen([sys.executable, "-c", DELIVERS], env=environment)


def test_a_sender_killed_between_request_and_record_is_followed_by_another(
    sender: Sender, ended: Callable[[str], str], receiver: Receiver
):
    records, senders = sender.services.records, []
    receiver.on_message = lambda _message: os.kill(senders[0].pid, signal.SIGKILL) if len(senders) == 1 else None
    task_id = ended(receiver.url)
    senders.append(delivering(sender))
    assert senders[0].wait(60) == -signal.SIGKILL
    (delivery,) = logged(records, task_id)
    assert (delivery.status, delivery.log) == ("pending", ())

    with psycopg.connect(records.url, autocommit=True) as clock:  # the lease ends
        clock.execute("UPDATE deliveries SET leased_until = now() WHERE subject = %s", [task_id])
    senders.append(delivering(sender))
    try:
        wait_for(lambda: logged(records, task_id)[0].status == "delivered", 60)
    finally:
        senders[1].kill()
        senders[1].wait()
    assert [message.id for message in receiver.messages] == [delivery.id] * 2


def test_a_message_that_cannot_be_recorded_is_sent_again(
    sender: Sender, project: Project, ended: Callable[[str], str], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    def away(*_: object) -> None:
        raise errors.DatabaseUnavailable("The database cannot be reached.")

    records = sender.services.records
    task_id = ended(receiver.url)
    (delivery,) = claimed(records, project.id)
    with monkeypatch.context() as patched:
        patched.setattr(type(records.deliveries), "record", away)
        sender.send(delivery)
    assert claimed(records, project.id) == []  # until its lease ends
    with psycopg.connect(records.url, autocommit=True) as clock:
        clock.execute("UPDATE deliveries SET leased_until = now() WHERE subject = %s", [task_id])
    (again,) = claimed(records, project.id)
    sender.send(again)

    assert [message.id for message in receiver.messages] == [delivery.id] * 2
    assert logged(records, task_id)[0].status == "delivered"


def test_a_message_that_cannot_be_made_keeps_no_place_at_its_host(
    sender: Sender,
    project: Project,
    ended: Callable[[str], str],
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
):
    records = sender.services.records
    task_id = ended(receiver.url)
    with psycopg.connect(records.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE deliveries SET snapshot = jsonb_set(snapshot, '{request,webhook_url}', '[\"5ecr3tHook\"]')"
            " WHERE subject = %s",
            [task_id],
        )
        (broken,) = claimed(records, project.id)
        sender.send(broken)
        kept = connection.execute(
            "SELECT status, leased_until, due > now() + interval '1 min' FROM deliveries WHERE id = %s", [broken.id]
        ).fetchall()

    assert kept == [("pending", None, True)]
    assert "ValidationError" in caplog.text
    assert "5ecr3tHook" not in caplog.text
    assert receiver.messages == []
