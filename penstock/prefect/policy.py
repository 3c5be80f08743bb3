"""How the tasks are retried, and how they may be cached."""

from typing import Any, TypedDict

from prefect import Task
from prefect.cache_policies import INPUTS, TASK_SOURCE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from penstock.errors import MediaError, WaitTimeout

# Another try would end alike: a path of the program, or its mistake.
_FINAL = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    TypeError,
    ValueError,
)


class Policy(TypedDict):
    retries: int
    retry_delay_seconds: Any
    retry_jitter_factor: float
    retry_condition_fn: Any


def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's names
    """Whether a retry may succeed: never after a refusal, nor after a `timeout`: the Task goes on."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, MediaError):
        return error.transient and not isinstance(error, WaitTimeout)
    return not isinstance(error, _FINAL)


# The client has tried for half a minute before a task is retried. Equal requests are the same Task of the service, so
# that a retry converts nothing twice, except with `fresh`.
POLICY: Policy = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(10),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}

# For `convert_media.with_options(cache_policy=BY_REQUEST)`: what a stored result belongs to. No task is cached unless
# its caller says so: the content of a path or an address may change.
BY_REQUEST: CachePolicy = INPUTS + TASK_SOURCE - "credentials" - "timeout"
