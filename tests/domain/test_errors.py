"""The error tree: its flags, and that every error can be pickled."""

import pickle

import pytest

from penstock.domain import errors

EVERY = [kind for kind in errors.error_classes() if kind is not errors.InvalidRequest]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_pickles(kind: type[errors.MediaError]):
    error = kind("A sentence.")
    error.field, error.detail = "width", "for the log"
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), again.field, again.detail) == (kind, "A sentence.", "width", "for the log")


def test_a_body_with_violations_pickles():
    error = errors.InvalidRequest((errors.FieldRequired("kind is required.", field="kind"),))
    [violation] = pickle.loads(pickle.dumps(error)).violations

    assert (type(violation), violation.field, violation.message) == (errors.FieldRequired, "kind", "kind is required.")


def test_an_invalid_request_has_the_message_of_its_first_violation():
    error = errors.InvalidRequest((errors.FieldRequired("kind is required.", field="kind"),))

    assert (str(error), error.field) == ("kind is required.", "kind")


def test_request_errors_are_never_transient():
    assert not any(kind.transient for kind in errors.error_classes(errors.RequestError))


def test_platform_errors_are_always_transient():
    assert all(kind.transient for kind in errors.error_classes(errors.PlatformError))


def test_the_docstring_names_every_error():
    missing = [kind.__name__ for kind in errors.error_classes() if kind.__name__ not in (errors.__doc__ or "")]

    assert missing == []
