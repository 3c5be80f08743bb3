"""A refusal has one shape, and what can heal is tried again where that is safe."""

import pickle

import pytest

from penstock import errors
from penstock.client.answers import envelope_of
from penstock.client.calls import Answer, Lost
from penstock.client.models import Task, TaskError
from penstock.client.requests import body_of
from penstock.client.retries import retry_delay
from penstock.domain.errors import MediaError, error_classes

LATER = b"""{"data": {"id": "tsk_1", "input": "i", "kind": "video", "format": "av2", "status": "frozen", "newer": [1],
 "created": "2026-01-31T15:00:00Z", "updated": "2026-01-31T15:00:00Z", "output": null}, "meta": {"newer": 1}}"""


def answered(status, content=b"", **headers):
    return Answer(status, headers, content, "http://penstock")


@pytest.mark.parametrize("kind", [kind for kind in error_classes() if kind is not errors.InvalidRequest])
def test_every_error_of_the_service_has_its_class(kind: type[MediaError]):
    error = errors.error_of({"code": kind.code, "message": "No.", "field": None, "retryable": kind.transient})

    assert (error.code, str(error)) == (kind.code, "No.")
    assert type(error).code == kind.code


def test_one_violation_is_its_own_error_and_several_are_one():
    one = {"code": "upscale_not_allowed", "message": "Too large.", "field": "width"}
    two = {"code": "field_unknown", "message": "No depth.", "field": "depth"}

    assert type(errors.error_of(one | {"violations": [one]})) is errors.UpscaleNotAllowed
    both = errors.error_of(one | {"violations": [one, two]})
    assert isinstance(both, errors.InvalidRequest)
    assert [(type(each), each.field) for each in both.violations] == [
        (errors.UpscaleNotAllowed, "width"),
        (errors.FieldUnknown, "depth"),
    ]


def test_the_error_of_a_task_is_the_same_as_that_of_a_request():
    error = TaskError(code="upscale_not_allowed", message="Too large.", field="width").exception("tsk_1")
    assert (type(error), error.task_id) == (errors.UpscaleNotAllowed, "tsk_1")


def test_the_error_of_a_newer_service_keeps_its_code_also_when_it_is_pickled():
    error = pickle.loads(pickle.dumps(errors.error_of({"code": "too_loud", "message": "Turn it down."})))
    assert (type(error), error.code, str(error)) == (errors.UnknownError, "too_loud", "Turn it down.")


def test_an_answer_of_a_newer_service_is_read():
    task = envelope_of(answered(200, LATER), Task).data
    assert (task.status, task.format, task.has_ended, task.progress) == ("frozen", "av2", True, 0)


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (200, b"<html>", errors.ServiceIncompatible),
        (200, b'{"data": {"id": 3}}', errors.ServiceIncompatible),
        (404, b"<html>not here</html>", errors.ServiceIncompatible),
        (502, b"<html>bad gateway</html>", errors.ServiceUnreachable),
        (400, b'{"error": "flat"}', errors.ServiceIncompatible),
    ],
)
def test_an_answer_that_is_not_ours_is_told_with_the_address(status, content, kind):
    with pytest.raises(kind, match="http://penstock"):
        envelope_of(answered(status, content), Task)


@pytest.mark.parametrize(
    ("outcome", "repeatable", "single"),
    [
        (Lost("refused", "a", may_have_arrived=False), True, True),
        (Lost("broken", "a", may_have_arrived=True), True, False),
        (answered(503), True, True),
        (answered(429), True, True),
        (answered(502), True, False),
        (answered(500), False, False),
        (answered(422), False, False),
        (answered(200), False, False),
    ],
)
def test_only_what_is_safe_is_sent_again(outcome, repeatable, single):
    assert (retry_delay(outcome, 0, is_repeatable=True) is not None) is repeatable
    assert (retry_delay(outcome, 0, is_repeatable=False) is not None) is single


def test_a_busy_service_is_given_the_time_that_it_asks_for():
    assert retry_delay(answered(429, **{"retry-after": "17"}), 0, is_repeatable=True) == 17


def test_the_kind_is_implied_by_the_format_and_newer_fields_are_sent():
    assert body_of({"format": "jpg", "newer": 1}) == {"format": "jpg", "newer": 1, "kind": "image"}
    with pytest.raises(errors.FormatUnsupported, match="av2 is none of the formats"):
        body_of({"format": "av2"})
