"""What a client can ask for: one request each, described once for both clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, Unpack

from penstock.client.answers import Envelope
from penstock.client.batch_models import Batch, BatchItem
from penstock.client.calls import Call, Steps
from penstock.client.models import File, Receipt, Signature, StoredFile, Task
from penstock.client.plan_models import Plan
from penstock.client.requests import BatchFields, RequestFields, body_of, given
from penstock.errors import ServiceIncompatible

T = TypeVar("T")

PAGE = 100
Order = Literal["desc", "asc"]


def only(call: Call[T]) -> Steps[T]:
    """The data of one answer."""
    envelope = yield call
    data: T = envelope.data
    return data


def whole(call: Call[T]) -> Steps[Envelope[T]]:
    """One answer with its `meta`."""
    envelope: Envelope[T] = yield call
    return envelope


def create(**fields: Unpack[RequestFields]) -> Steps[Task]:
    """Request a conversion. The same request returns the same Task."""
    return only(Call("POST", "/tasks", Task, body=body_of(fields), is_repeatable=not fields.get("fresh")))


def plan(**fields: Unpack[RequestFields]) -> Steps[Plan]:
    """What the Task of this request would do, without doing it."""
    return only(Call("POST", "/plans", Plan, body=body_of(fields)))


def task(task_id: str) -> Steps[Task]:
    """The Task as it is now."""
    return only(Call("GET", f"/tasks/{task_id}", Task))


def receipt(task_id: str) -> Steps[Receipt]:
    """How the output of a completed Task was made and verified, signed."""
    return only(Call("GET", f"/tasks/{task_id}/receipt", Receipt))


def cancel(task_id: str) -> Steps[Task]:
    """Cancel a Task. Raises `TaskEnded` if it has ended."""
    return only(Call("POST", f"/tasks/{task_id}/cancel", Task, is_repeatable=False))


def file(file_id: str) -> Steps[File]:
    """An upload or an output, with a new link."""
    return only(Call("GET", f"/files/{file_id}", File))


def source(file_id: str) -> Steps[StoredFile]:
    """An output."""
    return only(Call("GET", f"/sources/{file_id}", StoredFile))


def import_file(url: str, *, name: str | None = None, metadata: Mapping[str, Any] | None = None) -> Steps[File]:
    """Store the file at an address without converting it: a File that is `processing`, later `ready` or `failed`.
    The same import again is the same File."""
    return only(Call("POST", "/files", File, body=given(url=url, name=name, metadata=metadata)))


def update_file(file_id: str, *, name: str | None = None, metadata: Mapping[str, Any] | None = None) -> Steps[File]:
    """Change the name of a File, its metadata, or both."""
    return only(Call("PATCH", f"/files/{file_id}", File, body=given(name=name, metadata=metadata)))


def sign_upload(filename: str, *, max_bytes: int | None = None, expiry: int | None = None) -> Steps[Signature]:
    """A link that uploads one file of this name without a key: for a browser."""
    body = given(method="put", filename=filename, max_bytes=max_bytes, expiry=expiry)
    return only(Call("POST", "/signatures", Signature, body=body))


def sign_download(file_id: str, *, expiry: int | None = None) -> Steps[Signature]:
    """A link that downloads a File without a key."""
    return only(Call("POST", "/signatures", Signature, body=given(method="get", file_id=file_id, expiry=expiry)))


def delete(file_id: str) -> Steps[File]:
    """Delete a File and its bytes. Raises `FileInUse` while a Task reads it."""
    return only(Call("DELETE", f"/files/{file_id}", File, is_repeatable=False))


def create_batch(**fields: Unpack[BatchFields]) -> Steps[Batch]:
    """Convert many files as one Batch. The same Batch again converts what is missing, changed or failed."""
    return only(Call("POST", "/batches", Batch, body=dict(fields)))


def batch(batch_id: str) -> Steps[Batch]:
    """The Batch as it is now."""
    return only(Call("GET", f"/batches/{batch_id}", Batch))


def pause_batch(batch_id: str) -> Steps[Batch]:
    """Start no new lines; those that run end."""
    return only(Call("POST", f"/batches/{batch_id}/pause", Batch, is_repeatable=False))


def resume_batch(batch_id: str) -> Steps[Batch]:
    """Go on with a paused Batch."""
    return only(Call("POST", f"/batches/{batch_id}/resume", Batch, is_repeatable=False))


def cancel_batch(batch_id: str) -> Steps[Batch]:
    """Stop what runs; what waits never starts."""
    return only(Call("POST", f"/batches/{batch_id}/cancel", Batch, is_repeatable=False))


def rerun_batch(batch_id: str, *, only_lines: Literal["failed", "all"] = "failed") -> Steps[Batch]:
    """Run an ended Batch again: its failed and cancelled lines, or all."""
    return only(Call("POST", f"/batches/{batch_id}/rerun", Batch, body={"only": only_lines}, is_repeatable=False))


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A paged list: its path, the type of its entries, and the filters."""

    path: str
    entry: type[T]
    params: Mapping[str, Any]

    def page(self, number: int) -> Call[list[T]]:
        params = dict(self.params) | {"page": number, "limit": PAGE}
        return Call("GET", self.path, list[self.entry], params=params)  # type: ignore[name-defined]


def new_entries(page: Sequence[T], before: Sequence[T]) -> list[T]:
    """The entries that were not on the page before: by their ids, because links and progress differ at every read."""
    known = {_identity(entry) for entry in before}
    return [entry for entry in page if _identity(entry) not in known]


def _identity(entry: Any) -> str | int:
    identity: str | int = entry.number if isinstance(entry, BatchItem) else entry.id
    return identity


def project() -> Steps[str]:
    """The id of the project that the key belongs to. Raises `ServiceIncompatible` where the service does not tell."""
    envelope = yield from whole(Call("GET", "/tasks", list[Task], params={"limit": 1}))
    if not envelope.meta.project_id:
        raise ServiceIncompatible("The service does not tell the project of the key: it is of an older version.")
    return envelope.meta.project_id


def tasks(
    *, kind: str | None = None, status: str | None = None, format: str | None = None, order: Order = "desc"
) -> Listing[Task]:
    """All Tasks of the project that match."""
    return Listing("/tasks", Task, given(kind=kind, status=status, format=format, order=order))


def files(*, kind: str | None = None, format: str | None = None, order: Order = "desc") -> Listing[File]:
    """All uploads and outputs of the project that match."""
    return Listing("/files", File, given(kind=kind, format=format, order=order))


def sources(*, kind: str | None = None, format: str | None = None, order: Order = "desc") -> Listing[StoredFile]:
    """All outputs of the project that match."""
    return Listing("/sources", StoredFile, given(kind=kind, format=format, order=order))


def batches(*, status: str | None = None, order: Order = "desc") -> Listing[Batch]:
    """All Batches of the project that match."""
    return Listing("/batches", Batch, given(status=status, order=order))


def batch_items(batch_id: str, *, status: str | None = None, code: str | None = None) -> Listing[BatchItem]:
    """The lines of a Batch, in their order; `code` is the code of an error."""
    return Listing(f"/batches/{batch_id}/items", BatchItem, given(status=status, code=code))
