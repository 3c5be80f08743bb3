"""A client of the service, over HTTP: requests go out, Tasks and Files come back as the contract's JSON."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from penstock.output_file import arriving

BLOCK_BYTES = 1 << 20
PATIENCE = httpx.Timeout(90.0, connect=10.0)


class Refused(Exception):
    """The service said no. `code` is one of the contract's, `violations` lists each fault of a body."""

    def __init__(self, message: str, code: str = "internal", violations: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.violations = violations


class Client:
    """Speaks for one project. Raises `Refused` for what the service refuses, `httpx.HTTPError` where it is away."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=PATIENCE, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """The Task of this request (CONTRACT §1), new or known."""
        return _data(self._http.post("/tasks", json=request))

    def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the Task of this request would do, without doing it."""
        return _data(self._http.post("/plans", json=request))

    def task(self, task_id: str, *, wait_seconds: float = 0) -> dict[str, Any]:
        """The Task as it stands, or as soon as it has ended within `wait_seconds` (≤ 60)."""
        return _data(self._http.get(f"/tasks/{task_id}", params={"wait": wait_seconds} if wait_seconds else {}))

    def receipt(self, task_id: str) -> dict[str, Any]:
        """How the output of a completed task was made and checked, signed."""
        return _data(self._http.get(f"/tasks/{task_id}/receipt"))

    def cancel(self, task_id: str) -> dict[str, Any]:
        return _data(self._http.post(f"/tasks/{task_id}/cancel"))

    def upload(self, path: Path) -> dict[str, Any]:
        """The File that this one becomes; streamed."""
        with path.open("rb") as file:
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(os.fstat(file.fileno()).st_size),
            }
            return _data(self._http.post("/files", content=_blocks(file), headers=headers, timeout=None))

    def delete(self, file_id: str) -> None:
        _data(self._http.delete(f"/files/{file_id}"))

    def download(self, link: str, target: Path, *, overwrite: bool = False) -> None:
        """The bytes behind a File's link, at `target` at once or not at all.

        Raises `FileExistsError` where there is one that is not to be overwritten."""
        with arriving(target, overwrite=overwrite) as part, self._http.stream("GET", link) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                _data(answer)
            for block in answer.iter_bytes(BLOCK_BYTES):
                part.write(block)


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _data(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        raise Refused(f"The service answered {answer.status_code} and no JSON.") from None
    if answer.is_success:
        data: dict[str, Any] = body["data"] or {}
        return data
    error = body["error"]
    raise Refused(error["message"], error["code"], tuple(error.get("violations") or ()))
