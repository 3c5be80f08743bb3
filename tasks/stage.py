"""A stage: a Prefect task that ends in a state with our error's code and message, and in a traceback only for a bug."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

from prefect import State, task

from penstock.domain import errors
from penstock.orchestration.run_states import ended_state
from penstock.tasks.policy import StageOptions

P = ParamSpec("P")
R = TypeVar("R")


class Stage(Generic[P, R]):
    """Calls `fn` as a Prefect task. Raises the error that ended it."""

    def __init__(self, fn: Callable[P, R], options: StageOptions) -> None:
        self.fn = fn
        self.task = task(**options)(_with_state(fn))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result = self.task(*args, **kwargs)
        if isinstance(result, State):
            raise result.result(raise_on_failure=False)
        return result


class CancelIsNoError(logging.Filter):
    """Prefect logs the end of every stage that is not completed as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Finished in state Cancelled("):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return True


logging.getLogger("prefect.task_runs").addFilter(CancelIsNoError())


def stage(options: StageOptions) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """Makes a function a stage."""
    return lambda fn: Stage(fn, options)


def _with_state(fn: Callable[P, R]) -> Callable[P, R | State[Exception]]:
    """The function, which returns the state of an expected error; Prefect retries a failed one as it does a raised
    error."""

    @wraps(fn)
    def run(*args: P.args, **kwargs: P.kwargs) -> R | State[Exception]:
        try:
            return fn(*args, **kwargs)
        except errors.MediaError as error:
            return ended_state(error)

    return run
