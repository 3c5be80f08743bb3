"""Every retry count, delay and deadline of the stages, and which errors are retried."""

from typing import Any, TypedDict

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from penstock.domain.errors import MediaError
from penstock.domain.task import Step


class StageOptions(TypedDict):
    """The options of one stage, as `@task` takes them. Times in seconds."""

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
    """Whether to retry a failed stage. Must be a plain function: Prefect silently never retries with another
    callable."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, MediaError) and error.transient


def stage_options(name: str, description: str, retries: int) -> StageOptions:
    return StageOptions(
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


ACCEPT = stage_options("accept", "Make the Task of a request.", retries=3)
VALIDATE = stage_options("validate", "Take the task and check its request.", retries=3)
FETCH = stage_options("fetch", "Download the input and probe it.", retries=3)
TRANSCODE = stage_options("transcode", "Plan, encode, and verify the output.", retries=2)
VERIFY = stage_options("verify", "Read the output back, decode it, and compare it with its plan.", retries=0)
SCORE = stage_options("score", "Measure how much the output looks like its input.", retries=0)
UPLOAD = stage_options("upload", "Store the verified output.", retries=4)
RECORD = stage_options("record", "Publish the output and complete the task.", retries=4)

TAKE_IMPORT = stage_options("validate", "Take the import.", retries=3)
STORE_IMPORT = stage_options("upload", "Store the file.", retries=4)
PUBLISH_IMPORT = stage_options("record", "Publish the facts of the file.", retries=4)

ACCEPT_BATCH = stage_options("accept", "Make the Batch of the run's parameters.", retries=3)
LIST_INPUTS = stage_options("list inputs", "List the files of the source, or the lines of the manifest.", retries=3)
PLAN_LINES = stage_options("plan", "Decide which lines are converted, and why others are not.", retries=3)
CONVERT_LINES = stage_options("convert", "Hand out the lines to runs, and wait for their ends.", retries=3)
REPORT = stage_options("report", "Publish the result manifest, and say what became of the lines.", retries=3)

RETIRE = stage_options("retire", "Delete files older than the retention period.", retries=2)
PURGE = stage_options("purge", "Remove the bytes of deleted files.", retries=2)
CLEAR = stage_options("clear", "Remove what crashes left behind.", retries=2)
CLEAR_WORKERS = stage_options("clear workers", "Remove dead workers from the pool's list.", retries=2)

MINUTE = 60.0
HOUR = 60 * MINUTE

# How long one try of a stage may take, without the wait for an encoder slot. Engines and downloads have shorter limits
# of their own; `fetch_seconds` adds the longest download. Enforced by `Stages`, not by Prefect's `timeout_seconds`,
# which cannot end a stage that runs on a worker's thread.
DEADLINES: dict[Step, float] = {
    "validate": MINUTE,
    "fetch": HOUR,
    "transcode": 24 * HOUR,
    "upload": HOUR,
    "record": MINUTE,
}


def fetch_seconds(longest_download_seconds: float) -> float:
    """The deadline of `fetch`: the longest download that the settings allow, and an hour for the rest."""
    return DEADLINES["fetch"] + longest_download_seconds
