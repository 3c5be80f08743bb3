"""Public ids: a prefix for the type, and 24 random characters of `[a-z0-9]`."""

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
BatchId = NewType("BatchId", str)
ChunkId = NewType("ChunkId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
LENGTH = 24


def new_task_id() -> TaskId:
    return TaskId(_new_id("tsk"))


def new_file_id() -> FileId:
    return FileId(_new_id("file"))


def new_project_id() -> ProjectId:
    return ProjectId(_new_id("prj"))


def new_org_id() -> OrgId:
    return OrgId(_new_id("org"))


def new_key_id() -> KeyId:
    return KeyId(_new_id("key"))


def new_request_id() -> RequestId:
    return RequestId(_new_id("req"))


def new_batch_id() -> BatchId:
    return BatchId(_new_id("bat"))


def new_chunk_id() -> ChunkId:
    return ChunkId(_new_id("chk"))


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    return re.fullmatch(r"[a-z]{3,4}_[a-z0-9]{8,64}", text) is not None


def is_stored_key(key: str) -> bool:
    """Whether this has the form of a stored file's key: project id, slash, file id."""
    return re.fullmatch(r"prj_[a-z0-9]{8,64}/file_[a-z0-9]{8,64}", key) is not None


def _new_id(prefix: str) -> str:
    number = secrets.randbelow(len(ALPHABET) ** LENGTH)  # one system call, not one for each character
    return f"{prefix}_{''.join(_digits(number))}"


def _digits(number: int) -> Iterator[str]:
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        yield ALPHABET[digit]
