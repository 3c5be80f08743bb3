"""The set of error codes is closed."""

import pytest

from penstock.api.error_table import PROBLEMS, problem_of
from penstock.domain import errors

VOCABULARY = {
    "body_invalid", "field_required", "field_invalid", "field_unknown", "input_ambiguous", "format_unsupported",
    "kind_incompatible", "format_incompatible", "upscale_not_allowed", "no_audio_stream", "no_video_stream",
    "file_not_found", "task_not_found", "not_found", "method_not_allowed", "task_ended", "file_in_use",
    "token_missing", "token_invalid", "rate_limited", "queue_full", "url_forbidden", "input_unreachable",
    "input_timeout", "input_truncated", "input_changed", "input_too_large", "input_unreadable",
    "input_limits_exceeded", "input_quarantined", "encoder_failed", "encoder_timeout", "resource_limit",
    "output_invalid", "storage_unavailable", "disk_full", "database_unavailable", "cancelled", "worker_lost",
    "internal",
}  # fmt: skip


def test_the_table_holds_every_code_and_nothing_else():
    assert {kind.code for kind in PROBLEMS} == VOCABULARY


def test_every_error_of_the_tree_has_a_code_of_the_vocabulary():
    assert {kind.code for kind in errors.error_classes()} == VOCABULARY


def test_transient_errors_are_retryable_in_the_table():
    transient = [kind for kind in PROBLEMS if kind.transient]

    assert all(PROBLEMS[kind].retryable for kind in transient)


@pytest.mark.parametrize("kind", [kind for kind in errors.error_classes() if kind is not errors.InvalidRequest])
def test_every_error_has_a_response(kind: type[errors.MediaError]):
    assert problem_of(kind("A sentence.")).status in (400, 401, 404, 405, 409, 413, 415, 422, 429, 500, 503)


def test_a_body_with_violations_is_answered_as_its_first():
    body = errors.InvalidRequest((errors.FieldRequired("kind is required.", field="kind"),))

    assert problem_of(body) is PROBLEMS[errors.FieldRequired]
