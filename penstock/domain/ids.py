"""The ids that callers see: a prefix that says what it is, and 24 characters of `[a-z0-9]`."""

import re
import secrets
from collections.abc import Iterator
from typing import NewType

TaskId = NewType("TaskId", str)
FileId = NewType("FileId", str)
ProjectId = NewType("ProjectId", str)
OrgId = NewType("OrgId", str)
KeyId = NewType("KeyId", str)
RequestId = NewType("RequestId", str)

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
LENGTH = 24


def new_task_id() -> TaskId:
    return TaskId(_fresh("tsk"))


def new_file_id() -> FileId:
    return FileId(_fresh("file"))


def new_project_id() -> ProjectId:
    return ProjectId(_fresh("prj"))


def new_org_id() -> OrgId:
    return OrgId(_fresh("org"))


def new_key_id() -> KeyId:
    return KeyId(_fresh("key"))


def new_request_id() -> RequestId:
    return RequestId(_fresh("req"))


def is_id(text: str) -> bool:
    """Whether this can be one of ours at all."""
    return re.fullmatch(r"[a-z]{3,4}_[a-z0-9]{8,64}", text) is not None


def is_stored_key(key: str) -> bool:
    """Whether this can be the key of a file that we stored: its project's id, and its own."""
    return re.fullmatch(r"prj_[a-z0-9]{8,64}/file_[a-z0-9]{8,64}", key) is not None


def _fresh(prefix: str) -> str:
    number = secrets.randbelow(len(ALPHABET) ** LENGTH)  # one question to the system, not one for each character
    return f"{prefix}_{''.join(_digits(number))}"


def _digits(number: int) -> Iterator[str]:
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        yield ALPHABET[digit]
