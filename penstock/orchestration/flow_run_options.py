"""What a task's flow run is created with: its queue, its name and its tags. Everybody who sees Prefect can read them,
so they hold nothing that may be a secret."""

import re
from urllib.parse import urlsplit

from penstock.domain.formats import Kind
from penstock.domain.secret_urls import looks_like_token
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


def queue_of(task: Task) -> str:
    return BATCH_WORK_QUEUE if task.batch else QUEUES[task.request.kind]


FILE_NAME = re.compile(r"[\w .()\[\]'+-]{1,40}\.[A-Za-z0-9]{1,5}")


def run_name(task: Task) -> str:
    """`convert mp4 · clip.mov · tsk_…`"""
    return " · ".join((f"convert {task.request.format}", input_name(task), task.id))


def run_tags(task: Task) -> list[str]:
    batch = [task.batch] if task.batch else []
    return [f"kind:{task.request.kind}", f"format:{task.request.format}", task.project_id, *batch]


def input_name(task: Task) -> str:
    """The file's id, or the last part of the URL's path where that is a file name as people give it.

    Never the query, and nothing long and random: knowing that may be enough to download the file."""
    if task.request.url is None:
        return task.request.file_id or ""
    last = urlsplit(task.request.url).path.rpartition("/")[2]
    return last if FILE_NAME.fullmatch(last) and not looks_like_token(last) else "an address"
