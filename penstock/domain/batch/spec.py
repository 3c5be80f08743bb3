"""What a batch is asked to do: `BatchSpec` is its identity, `RunOptions` are those of one run."""

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from penstock.domain.batch.addresses import is_file_id, normalized_address

DEFAULT_OUTPUT_NAME = "{dir}/{stem}.{format}"
MAX_LINES = 100_000
MAX_API_LINES = 10_000

OnConflict = Literal["skip", "overwrite", "rename"]
# Which lines a run converts: those that are missing, changed or failed; of those that failed only the ones whose input
# has changed since; only those that failed; all.
Only = Literal["changed", "new", "failed", "all"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^[^\x00-\x1f\x7f]+$")]


class BatchSpec(BaseModel):
    """Inputs, destination and rules of a batch. Equal specs of one project are one Batch.

    The inputs are those of `source` (a folder or prefix), of `manifest` (an address or the id of a file), or lines that
    came with the request; of these only a digest is part of the spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name | None = Field(None, description="what people call the batch")
    source: Address | None = Field(None, description="folder, s3:// or other fsspec prefix of the inputs")
    manifest: Address | None = Field(None, description="address or file id of a CSV or JSONL file, a line per input")
    lines_digest: str | None = Field(None, description="sha256 of the lines that came with the request")
    glob: str | None = Field(None, max_length=1000, description="which files of the source")
    destination: Address | None = Field(None, description="folder or prefix of the outputs; without it, our storage")
    output_name: str = Field(DEFAULT_OUTPUT_NAME, max_length=1000, description="names of the outputs")
    on_conflict: OnConflict = Field("skip", description="what to do where another file has the output's name")
    defaults: dict[str, Any] = Field(default_factory=dict, description="request fields of every line")
    min_age_seconds: float = Field(0.0, ge=0, le=30 * 86_400, description="skip files that changed more recently")
    result_manifest: Address | None = Field(None, description="address of the result manifest")

    @property
    def title(self) -> str:
        """The name, or one made of the source and the format: `photos → webp`."""
        if self.name:
            return self.name
        address = self.source or self.manifest or "requests"
        return f"{_last_part(address)} → {self.defaults.get('format', 'several formats')}"

    @property
    def has_public_inputs(self) -> bool:
        """Whether the lines came over the API, with the request or in an uploaded manifest: they may name addresses of
        the web and files of the project, never a folder or prefix."""
        return self.lines_digest is not None or (self.manifest is not None and is_file_id(self.manifest))

    @property
    def manifest_place(self) -> str | None:
        """The address of the result manifest; None: it is a file of our storage."""
        if self.result_manifest:
            return normalized_address(self.result_manifest)
        return f"{normalized_address(self.destination)}/manifest.jsonl" if self.destination else None

    def fingerprint(self) -> str:
        """The sha256 of everything but the name."""
        identity = self.model_dump(exclude={"name"})
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


class RunOptions(BaseModel):
    """What holds for one run of a batch. `plan`: convert nothing, only say what would be done."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    plan: bool = False
    only: Only = "changed"
    limit: int | None = Field(None, ge=1, le=MAX_LINES, description="convert at most so many lines")
    not_after: datetime | None = Field(None, description="start no line after this time")
    webhook_url: str | None = Field(None, description="called when the batch ends; docs/webhooks.md")


def _last_part(address: str) -> str:
    """The folder or file name at the end of an address, without a query or user information; printable."""
    head, _, last = address.partition("?")[0].rstrip("/").rpartition("/")
    is_host = head.endswith(":/")
    return unquote(last.rpartition("@")[2] if is_host else last)[:60] or "/"


def lines_digest(lines: list[Any]) -> str:
    """The sha256 of lines that came with a request."""
    return hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()
