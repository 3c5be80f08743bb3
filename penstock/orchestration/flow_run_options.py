"""What a task's flow run is created with: its queue, its name and its tags. Everybody who sees Prefect can read them,
so they hold nothing that may be a secret."""

from collections.abc import Iterable

from penstock.domain.formats import Kind
from penstock.domain.task import Task

POOL = "media"
# Images take milliseconds, videos up to hours: a queue and workers' places of their own keep images from waiting for a
# video. Runs that people, schedules and other flows start have one queue for all kinds, since a deployment's queue is
# set before the request is known.
IMAGE_QUEUE = "images"
QUEUES: dict[Kind, str] = {"video": "default", "audio": "default", "image": IMAGE_QUEUE}
# Runs that coordinate a batch wait for hours, and runs that do its work take what they get: each has places of its own,
# so that no number of batches keeps a single request waiting, and none waits for the work that it holds up itself.
BATCH_QUEUE = "batches"
BATCH_WORK_QUEUE = "batch-work"
TAGGED = {"width", "height", "quality"}
REFUSED_TAG, BROKEN_TAG, CODE_TAG = "refused", "broken", "code:"


def queue_of(task: Task) -> str:
    return BATCH_WORK_QUEUE if task.batch else QUEUES[task.request.kind]


def run_name(task: Task) -> str:
    """`convert mp4 · clip.mov · tsk_…`"""
    return " · ".join((f"convert {task.request.format}", task.shown_input, task.id))


def run_tags(task: Task) -> list[str]:
    batch = [task.batch] if task.batch else []
    return [f"kind:{task.request.kind}", f"format:{task.request.format}", *_size_tags(task), task.project_id, *batch]


def failure_tags(code: str | None, *, is_refused: bool) -> list[str]:
    """`refused` or `broken`, and the error's code."""
    return [REFUSED_TAG if is_refused else BROKEN_TAG, *([CODE_TAG + code] if code else [])]


def without_failure(tags: Iterable[str]) -> list[str]:
    """The tags of a run that begins again after a failure."""
    return [tag for tag in tags if tag not in (REFUSED_TAG, BROKEN_TAG) and not tag.startswith(CODE_TAG)]


def _size_tags(task: Task) -> list[str]:
    """What was requested of the size and quality, as tags: `width:1280`, `quality:0.7`."""
    given = task.request.model_dump(include=TAGGED, exclude_defaults=True)
    return [f"{name}:{value}" for name, value in given.items()]
