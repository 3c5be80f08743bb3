"""Steps that are taken for several files at once: each file has a value, or the error that ended it."""

from collections.abc import Callable
from typing import TypeVar

from penstock.domain import errors

A = TypeVar("A")
B = TypeVar("B")


def attempt(step: Callable[[A], B], outcome: A | errors.MediaError) -> B | errors.MediaError:
    """What the step returns or raises for a value; an error is passed on. Raises `Cancelled`, which ends all."""
    if isinstance(outcome, errors.MediaError):
        return outcome
    try:
        return step(outcome)
    except errors.Cancelled:
        raise
    except errors.MediaError as error:
        return error


def required(outcome: A | errors.MediaError) -> A:
    """The value. Raises the error if there is none."""
    if isinstance(outcome, errors.MediaError):
        raise outcome
    return outcome
