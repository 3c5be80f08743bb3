"""What a run is called in the Prefect UI. Everybody who sees the UI reads it, so nothing that could be a secret."""

import re
from urllib.parse import urlsplit

from penstock.domain.secret_urls import looks_like_token
from penstock.domain.task import Task

FILE_NAME = re.compile(r"[\w .()\[\]'+-]{1,40}\.[A-Za-z0-9]{1,5}")


def run_name(task: Task) -> str:
    """`convert mp4 · clip.mov · tsk_…`"""
    return " · ".join((f"convert {task.request.format}", input_name(task), task.id))


def run_tags(task: Task) -> list[str]:
    return [f"kind:{task.request.kind}", f"format:{task.request.format}", task.project_id]


def input_name(task: Task) -> str:
    """The file's id, or the last part of the address where it looks like the name of a file that a person gave; never
    its query, and nothing long and random: whoever has that may have the file."""
    if task.request.url is None:
        return task.request.file_id or ""
    last = urlsplit(task.request.url).path.rpartition("/")[2]
    return last if FILE_NAME.fullmatch(last) and not looks_like_token(last) else "an address"
