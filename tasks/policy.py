"""Every retry count, delay and deadline of the stages, and what is worth another try."""

from typing import Any, TypedDict

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from penstock.domain.errors import MediaError
from penstock.domain.task import Step


class Policy(TypedDict):
    """The options of one stage, as `@task` takes them. Seconds."""

    name: str
    task_run_name: str
    description: str
    retries: int
    retry_delay_seconds: Any
    retry_jitter_factor: float
    retry_condition_fn: Any
    cache_policy: Any
    persist_result: bool


def transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether the error of a failed stage can heal by itself. A plain function: Prefect takes no other callable."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, MediaError) and error.transient


def stage(name: str, description: str, retries: int) -> Policy:
    return Policy(
        name=name,
        task_run_name=name,
        description=description,
        retries=retries,
        retry_delay_seconds=exponential_backoff(2) if retries else None,
        retry_jitter_factor=0.5,
        retry_condition_fn=transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


ACCEPT = stage("accept", "Make the Task of a request.", retries=3)
VALIDATE = stage("validate", "Take the task and refuse what cannot be.", retries=3)
FETCH = stage("fetch", "Bring the input here and look what it is.", retries=3)
TRANSCODE = stage("transcode", "Plan, encode, and verify the result.", retries=2)
UPLOAD = stage("upload", "Put the verified result into the storage.", retries=4)
RECORD = stage("record", "Make the result visible, at once.", retries=4)

RETIRE = stage("retire", "Delete what is older than the retention.", retries=2)
PURGE = stage("purge", "Remove the bytes of deleted files.", retries=2)
CLEAR = stage("clear", "Remove what crashes left behind.", retries=2)

MINUTE = 60.0
HOUR = 60 * MINUTE

# How long a stage may take, the wait for a slot not counted; engines and downloads have closer ones of their own.
# That of `fetch` is without its download: `fetch_seconds` adds the longest one that the settings allow.
# Ours, not Prefect's `timeout_seconds`: that one cannot end a stage on a worker's thread.
DEADLINES: dict[Step, float] = {
    "validate": MINUTE,
    "fetch": HOUR,
    "transcode": 24 * HOUR,
    "upload": HOUR,
    "record": MINUTE,
}


def fetch_seconds(longest_download_seconds: float) -> float:
    """The deadline of `fetch`: no download is cut off by it before its own is over."""
    return DEADLINES["fetch"] + longest_download_seconds
