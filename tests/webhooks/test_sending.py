"""What a receiver gets, and what becomes of receivers that do not accept it."""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from penstock.domain.webhooks import webhook_secret
from penstock.services import Services
from penstock.webhooks import sending
from penstock.webhooks.sending import Sender
from tests.api.app import Project
from tests.records.rows import begin_task
from tests.storage.test_tls import certificate, serving  # noqa: F401 - a fixture
from tests.webhooks.conftest import BASE, claimed, logged
from tests.webhooks.receiver import Receiver

End = Callable[[str], str]


def send_due(sender: Sender, project: Project) -> None:
    for delivery in claimed(sender.services.records, project.id):
        sender.send(delivery)


def test_a_receiver_gets_the_task_as_the_api_shows_it(
    sender: Sender, project: Project, ended: End, receiver: Receiver, secret: str
):
    task_id = ended(receiver.url)
    send_due(sender, project)

    (message,) = receiver.messages
    content = message.verified(secret)
    assert content["type"] == "task.completed"
    assert content["data"]["id"] == task_id
    assert content["data"]["status"] == "completed"
    assert content["data"]["output"]["url"].startswith(f"{BASE}/files/file_")
    assert set(content) == {"type", "timestamp", "data"}


def test_the_vendors_header_signs_the_body_alone(
    sender: Sender, project: Project, ended: End, receiver: Receiver, secret: str
):
    ended(receiver.url)
    send_due(sender, project)

    (message,) = receiver.messages
    expected = hmac.new(webhook_secret(secret).encode(), message.body, hashlib.sha256).hexdigest()
    assert message.headers["ittybit-signature"] == expected


def test_messages_are_signed_with_both_secrets_until_the_old_one_ends(
    sender: Sender, project: Project, ended: End, receiver: Receiver, secret: str
):
    sender.services.records.keys.rotate_secret(project.id, timedelta(hours=1))
    ended(receiver.url)
    send_due(sender, project)

    (message,) = receiver.messages
    new = sender.services.records.keys.project_secret(project.id)
    assert message.verified(secret) == message.verified(new)
    assert new != secret


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (200, ("delivered", "delivered")),
        (204, ("delivered", "delivered")),
        (302, ("redirected", "pending")),
        (404, ("rejected", "pending")),
        (429, ("unavailable", "pending")),
        (503, ("unavailable", "pending")),
        (410, ("gone", "stopped")),
    ],
)
def test_the_log_says_what_the_receiver_answered(  # noqa: PLR0917
    sender: Sender, project: Project, ended: End, receiver: Receiver, answer: int, expected: tuple[str, str]
):
    task_id = ended(f"{receiver.url}/{answer}")
    send_due(sender, project)

    (delivery,) = logged(sender.services.records, task_id)
    (entry,) = delivery.log
    assert (entry.code, delivery.status, entry.status) == (*expected, answer)
    assert len(receiver.messages) == 1  # a redirect is not followed


def test_a_private_address_is_never_connected_to(
    sender: Sender, parts: Services, project: Project, ended: End, receiver: Receiver
):
    task_id = ended(receiver.url)
    send_due(replace(sender, services=parts), project)

    assert logged(parts.records, task_id)[0].log[0].code == "address_forbidden"
    assert receiver.messages == []


def test_a_receiver_that_does_not_answer_times_out(
    sender: Sender, project: Project, ended: End, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "REQUEST_SECONDS", 0.3)
    task_id = ended(f"{receiver.url}/hang")
    send_due(sender, project)

    assert logged(sender.services.records, task_id)[0].log[0].code == "timed_out"


def test_a_certificate_that_is_not_trusted_is_said(sender: Sender, project: Project, ended: End, certificate):  # noqa: F811
    with serving(certificate) as port:
        task_id = ended(f"https://127.0.0.1:{port}/")
        send_due(sender, project)

    assert logged(sender.services.records, task_id)[0].log[0].code == "certificate_invalid"


def test_a_receiver_that_is_away_is_unreachable(sender: Sender, project: Project, ended: End):
    task_id = ended("http://127.0.0.1:1/")  # allowed by the network, and nobody listens
    send_due(sender, project)

    assert logged(sender.services.records, task_id)[0].log[0].code in ("unreachable", "address_forbidden")


def test_a_failed_task_is_sent_with_its_error(sender: Sender, project: Project, receiver: Receiver, secret: str):
    records = sender.services.records
    records.webhooks.add(project.id, receiver.url, None)
    task = begin_task(records, project.id)
    records.tasks.end(task.id, task.attempt, "failed", None)
    records.tasks.submit(project.id, task.request)  # another attempt begins before the message is sent
    send_due(sender, project)

    content = receiver.messages[0].verified(secret)
    assert (content["type"], content["data"]["status"], content["data"]["attempt"]) == ("task.failed", "failed", 1)


def test_an_output_that_was_deleted_meanwhile_has_no_link(
    sender: Sender, project: Project, ended: End, receiver: Receiver, secret: str
):
    records = sender.services.records
    output = records.tasks.get_by_id(ended(receiver.url)).output
    records.files.delete(project.id, output.id)
    send_due(sender, project)

    assert receiver.messages[0].verified(secret)["data"]["output"] is None


def test_no_address_is_logged(
    sender: Sender, project: Project, ended: End, receiver: Receiver, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    ended(f"{receiver.url}/T024BE7LD?token=5ecr3tOfTheHook")
    send_due(sender, project)

    assert len(receiver.messages) == 1
    assert "5ecr3tOfTheHook" not in caplog.text
    assert receiver.url not in caplog.text


def test_a_stop_leaves_the_delivery_to_another_sender(sender: Sender, project: Project, ended: End, receiver: Receiver):
    ended(receiver.url)
    (delivery,) = claimed(sender.services.records, project.id)
    replace(sender, is_stopped=lambda: True).send(delivery)

    assert [each.id for each in claimed(sender.services.records, project.id)] == [delivery.id]


def test_the_library_of_receivers_refuses_a_changed_body(
    sender: Sender, project: Project, ended: End, receiver: Receiver, secret: str
):
    ended(receiver.url)
    send_due(sender, project)

    message = receiver.messages[0]
    changed = json.dumps(json.loads(message.body) | {"type": "task.failed"})
    with pytest.raises(Exception, match="signature"):
        Webhook(webhook_secret(secret)).verify(changed, message.headers)
