"""A client that returns the JSON of answers as it is: tests and benchmarks look at what the service says."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from penstock.output_file import atomic_output

BLOCK_BYTES = 1 << 20
# The service takes everything else for media.
MANIFEST_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonl", ".ndjson": "application/x-ndjson"}
TIMEOUT = httpx.Timeout(90.0, connect=10.0)


class Refused(Exception):
    """The service refused a request. `code` is one of docs/errors.md; `violations` lists all errors of a body."""

    def __init__(self, message: str, code: str = "internal", violations: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.violations = violations


class JsonClient:
    """A client with the key of one project. Raises `Refused`, and `httpx.HTTPError` if the service is not reachable."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=TIMEOUT, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Request a conversion (docs/api.md). The same request returns the same Task."""
        return _data(self._http.post("/tasks", json=request))

    def plan(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the Task of this request would do, without doing it."""
        return _data(self._http.post("/plans", json=request))

    def task(self, task_id: str, *, wait_seconds: float = 0) -> dict[str, Any]:
        """The Task, as soon as it has ended, at the latest after `wait_seconds` (≤ 60)."""
        return _data(self._http.get(f"/tasks/{task_id}", params={"wait": wait_seconds} if wait_seconds else {}))

    def receipt(self, task_id: str) -> dict[str, Any]:
        """How the output of a completed task was made and checked, signed."""
        return _data(self._http.get(f"/tasks/{task_id}/receipt"))

    def cancel(self, task_id: str) -> dict[str, Any]:
        return _data(self._http.post(f"/tasks/{task_id}/cancel"))

    def upload(self, path: Path) -> dict[str, Any]:
        """Upload a file, streamed; returns its File. CSV and JSON lines are manifests of batches."""
        with path.open("rb") as file:
            headers = {
                "Content-Type": MANIFEST_TYPES.get(path.suffix.lower(), "application/octet-stream"),
                "Content-Length": str(os.fstat(file.fileno()).st_size),
            }
            return _data(
                self._http.post(
                    "/files", params={"name": path.name}, content=_blocks(file), headers=headers, timeout=None
                )
            )

    def delete(self, file_id: str) -> None:
        _data(self._http.delete(f"/files/{file_id}"))

    def download(self, link: str, target: Path, *, overwrite: bool = False) -> None:
        """Download the bytes of a File's link to `target`, atomically.

        Raises `FileExistsError` if it exists and `overwrite` is false."""
        with atomic_output(target, overwrite=overwrite) as output, self._http.stream("GET", link) as response:
            if response.status_code != httpx.codes.OK:
                response.read()
                _data(response)
            for block in response.iter_bytes(BLOCK_BYTES):
                output.write(block)


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _data(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        raise Refused(f"The service answered {response.status_code} and no JSON.") from None
    if response.is_success:
        data: dict[str, Any] = body["data"] or {}
        return data
    error = body["error"]
    raise Refused(error["message"], error["code"], tuple(error.get("violations") or ()))
