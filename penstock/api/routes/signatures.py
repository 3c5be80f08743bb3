"""`/signatures`: links that download or upload one file without a key; and the uploads by such links."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from penstock.api.bodies.json_body import read_json_body
from penstock.api.bodies.signature_body import SignatureBody, parse_signature
from penstock.api.bodies.uploads import receive_upload, require_room_for_body
from penstock.api.context import Context, base_url, context_of, require_caller
from penstock.api.envelope import Envelope, object_response
from penstock.api.links import open_link
from penstock.conversion.inputs import require_stored
from penstock.domain import errors
from penstock.domain.api_keys import Caller
from penstock.domain.ids import FileId, ProjectId, is_id, new_file_id
from penstock.host.scratch import scratch_folder
from penstock.uploads.storing import Declared, store_upload
from penstock.views.tasks import FileView, ViewBuilder, content_path
from penstock.views.upload_links import UploadGrant

router = APIRouter(tags=["files"])

MAX_DIGITS = 15
INVALID_LINK = "This upload link is invalid or has expired; ask for a new one."
USED_LINK = "This upload link has been used: a link uploads one file. Ask for a new one."


class SignatureView(BaseModel):
    """A link that needs no key. `url` is a secret until it expires."""

    object: Literal["signature"] = "signature"
    domain: str
    method: Literal["get", "put"]
    file_id: str = Field(description="the file to download, or the one that the upload will be")
    filename: str | None
    max_bytes: int | None = Field(description="the largest upload; null for a download")
    expiry: int = Field(description="seconds since 1970")
    signature: str
    url: str


class LinkQuery(BaseModel):
    """The query of an upload link; what is missing or malformed was never signed."""

    project: str = ""
    name: str = ""
    max_bytes: str = ""
    expires: str = ""
    signature: str = ""

    def grant(self, file_id: str) -> UploadGrant:
        limits = _number(self.max_bytes), _number(self.expires)
        return UploadGrant(ProjectId(self.project), FileId(file_id), self.name, *limits)


SIGNATURE_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[SignatureView]}}
FILE_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FileView]}}
SIGNATURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": SignatureBody.model_json_schema(),
                "example": {"method": "put", "filename": "film.mov"},
            }
        },
    }
}
RAW_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/signatures", responses=SIGNATURE_RESPONSE, openapi_extra=SIGNATURE_BODY, summary="Sign a link")
async def create_signature(request: Request) -> Response:
    """A link for a browser or another program: a `get` of one file, or a `put` that uploads one."""
    context, caller = context_of(request), require_caller(request)
    now = time.time()
    wanted = parse_signature(await read_json_body(request, context.services.settings.max_body_bytes), now)
    expires = wanted.expiry or int(now) + context.services.settings.link_seconds
    sign = _signed_download if wanted.method == "get" else _signed_upload
    view = await to_thread.run_sync(sign, context, caller, wanted, expires, base_url(request))
    return object_response(request, view, "/signatures", None)


@router.put("/files/{file_id}/content", responses=FILE_RESPONSE, openapi_extra=RAW_BODY, summary="Upload by a link")
async def upload_by_link(request: Request, file_id: str, link: Annotated[LinkQuery, FromQuery()]) -> Response:
    """Takes the raw body, once, and returns the File without a link. Needs no API key: the link is signed."""
    context = context_of(request)
    grant = link.grant(file_id)
    await _require_signed(request, grant, link.signature)
    if "content-range" in request.headers:  # RFC 9110 §14.5
        raise errors.BodyInvalid("An upload by a link is the whole file; leave Content-Range out, or use /uploads.")
    require_room_for_body(request, context.services.settings)
    with _alone(context, grant.file_id), scratch_folder(context.services.settings.scratch, "upload") as folder:
        path = folder / "input"
        declared = await receive_upload(request, path, grant.max_bytes, context.threads.writes)
        store = partial(
            store_upload, path, grant.project_id, Declared(grant.name, declared.type), context.services, grant.file_id
        )
        async with context.probe_slots.slot(grant.project_id):
            file = await to_thread.run_sync(store, limiter=context.threads.probes)
    view = ViewBuilder("", "", 0, context.runs.url).deleted_file_view(file)
    return object_response(request, view, f"/files/{file.id}", "/files")


def _signed_download(context: Context, caller: Caller, wanted: SignatureBody, expires: int, base: str) -> SignatureView:
    file = context.services.records.files.get_input(caller.project_id, wanted.file_id or "")
    require_stored(file)
    url = base + content_path(file.id, caller.secret, expires)
    return SignatureView(
        domain=base, method="get", file_id=file.id, filename=file.name, max_bytes=None,
        expiry=expires, signature=_signature_in(url), url=url,
    )  # fmt: skip


def _signed_upload(context: Context, caller: Caller, wanted: SignatureBody, expires: int, base: str) -> SignatureView:
    largest = context.services.limits.largest_input_bytes
    max_bytes = min(wanted.max_bytes or largest, largest)
    grant = UploadGrant(caller.project_id, new_file_id(), wanted.filename or "", max_bytes, expires)
    url = base + grant.path(caller.secret)
    return SignatureView(
        domain=base, method="put", file_id=grant.file_id, filename=grant.name, max_bytes=max_bytes,
        expiry=expires, signature=_signature_in(url), url=url,
    )  # fmt: skip


def _signature_in(url: str) -> str:
    return url.rpartition("signature=")[2]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


async def _require_signed(request: Request, grant: UploadGrant, signature: str) -> None:
    """Raises what `open_link` raises, and `FileInUse` for a link that was used."""
    context = context_of(request)
    await open_link(request, grant.expires, lambda: _is_signed(context, grant, signature) or None, INVALID_LINK)
    if await to_thread.run_sync(context.services.records.files.is_recorded, grant.file_id):
        raise errors.FileInUse(USED_LINK)


@contextmanager
def _alone(context: Context, file_id: FileId) -> Iterator[None]:
    """One upload by a link at a time: whoever has a link takes no more of the disk than one upload. Raises
    `FileInUse`."""
    if file_id in context.linked_uploads:
        raise errors.FileInUse("Another upload by this link is running; try again when it has ended.")
    context.linked_uploads.add(file_id)
    try:
        yield
    finally:
        context.linked_uploads.remove(file_id)


def _is_signed(context: Context, grant: UploadGrant, signature: str) -> bool:
    if not (is_id(grant.project_id) and is_id(grant.file_id)):
        return False
    try:
        secrets = context.services.records.keys.project_secrets(grant.project_id)
    except errors.NotFound:
        return False
    return grant.is_signed(secrets, signature)
