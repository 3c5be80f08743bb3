"""Signatures, and when a message is sent again."""

import time

import pytest
from standardwebhooks import Webhook as Verifier

from penstock.domain.ids import ProjectId, WebhookId
from penstock.domain.webhooks import (
    HOST_FAILURES,
    MESSAGES,
    RETRY_SECONDS,
    OutcomeCode,
    Webhook,
    code_of_status,
    host_of,
    host_pause_seconds,
    next_step,
    signed_headers,
    webhook_id,
    webhook_secret,
)
from tests.records.rows import NEVER


def test_the_retries_span_76_hours():
    assert 75 * 3600 < sum(RETRY_SECONDS) < 77 * 3600


@pytest.mark.parametrize("code", sorted(MESSAGES.keys() - {"delivered", "gone", "expired"}))
def test_what_may_heal_is_sent_again_nine_times(code: OutcomeCode):
    steps = [next_step(code, tries, 1.1) for tries in range(1, 11)]

    assert [step.status for step in steps] == ["pending"] * 9 + ["failed"]
    assert steps[1].seconds == pytest.approx(330)


def test_a_receiver_that_is_gone_is_not_tried_again():
    assert next_step("gone", 1, 1.0).status == "stopped"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "delivered"),
        (299, "delivered"),
        (301, "redirected"),
        (400, "rejected"),
        (410, "gone"),
        (500, "unavailable"),
    ],
)
def test_only_2xx_is_accepted(status: int, code: OutcomeCode):
    assert code_of_status(status) == code


def test_a_host_is_left_alone_longer_with_each_failure_to_five_minutes():
    assert [host_pause_seconds(failures, 1.0) for failures in (1, 2, 3, 7, 5000)] == [5, 10, 20, 300, 300]
    assert "rejected" not in HOST_FAILURES


def test_a_standard_library_verifies_both_signatures_of_a_rotation():
    old, new, body = webhook_secret("old"), webhook_secret("new"), b'{"type":"task.failed"}'
    headers = signed_headers("dlv_1", int(time.time()), body, [new, old])

    assert Verifier(new).verify(body, headers) == Verifier(old).verify(body, headers) == {"type": "task.failed"}
    with pytest.raises(Exception, match="signature"):
        Verifier(webhook_secret("other")).verify(body, headers)


def test_a_receiver_has_one_id_for_each_address():
    project = ProjectId("prj_1")
    ids = {
        webhook_id(project, "https://a/"),
        webhook_id(project, "https://a/", "tsk_1"),
        webhook_id(project, "https://b/"),
    }

    assert len(ids) == 3
    assert webhook_id(project, "https://a/") in ids


def test_an_address_may_be_a_secret_so_that_it_is_not_shown_by_accident():
    hook = Webhook(WebhookId("whk_1"), ProjectId("prj_1"), "https://example.com/5ecr3t", None, NEVER)

    assert "5ecr3t" not in repr(hook)
    assert host_of(ProjectId("prj_1"), "https://User:Word@Example.com:8443/5ecr3t") == "prj_1 example.com:8443"
