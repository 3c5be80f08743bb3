"""The tree of errors: each travels between processes whole."""

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


def test_a_body_speaks_with_the_voice_of_its_first_violation():
    error = errors.InvalidRequest((errors.FieldRequired("kind is required.", field="kind"),))

    assert (str(error), error.field) == ("kind is required.", "kind")


def test_what_the_caller_has_to_change_is_never_transient():
    assert not any(kind.transient for kind in errors.error_classes(errors.RequestError))


def test_what_is_ours_to_heal_is_always_transient():
    assert all(kind.transient for kind in errors.error_classes(errors.PlatformError))


def test_every_error_stands_in_the_drawing():
    missing = [kind.__name__ for kind in errors.error_classes() if kind.__name__ not in (errors.__doc__ or "")]

    assert missing == []
