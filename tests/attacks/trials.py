"""Convert a file that nobody should trust, as a task does, and tell how that ended."""

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from penstock.conversion.convert import convert_original
from penstock.conversion.rendition import Workspace
from penstock.domain import errors
from penstock.domain.formats import Format, Kind, kind_of
from penstock.domain.media import Media
from penstock.domain.stages import Original, Rendition
from penstock.engines import NoWatch, Tools, probe, probe_header
from penstock.sandbox.supervise import Exit
from tests.conversion.workspaces import task_for, workspace_in

Outputs = dict[Kind, tuple[Format, ...]]
# What a file may be refused with.
REFUSALS = {"input_unreadable", "input_truncated", "input_limits_exceeded"}
DAMAGE = REFUSALS | {"encoder_failed", "output_invalid"}


@dataclass
class Peak(NoWatch):
    """The most memory that a child had."""

    bytes: int = 0

    def ended(self, ended: Exit) -> None:
        self.bytes = max(self.bytes, ended.peak_bytes)


@dataclass
class Trial:
    """How it ended: one code if the file is refused, else one for each output; None for a verified output.
    `errors` has what was raised."""

    codes: tuple[str | None, ...]
    seconds: float
    peak_bytes: int
    errors: list[str] = field(default_factory=list)


def tried(content: bytes, outputs: Outputs, folder: Path, tools: Tools) -> Trial:
    """`folder` is made. An error that is none of ours, or one that is to be tried again, has the code `internal`."""
    folder.mkdir()
    workspace = replace(workspace_in(folder, tools), watch=(peak := Peak()))
    path = workspace.scratch / "input"
    path.write_bytes(content)
    told, began = _Told(), time.monotonic()
    with suppress(errors.InputError):
        probe_header(path, tools, peak)  # as while it is downloaded
    with told:
        media = probe(path, tools, peak)
        for output in outputs[media.kind]:
            told.codes.append(None)
            with told:
                _convert(path, media, output, workspace)
    return Trial(tuple(told.codes), time.monotonic() - began, peak.bytes, told.errors)


@dataclass
class _Told:
    """Notes the errors that are raised within it, in place of the last code."""

    codes: list[str | None] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, raised: BaseException | None, _traceback: object) -> bool:
        if not isinstance(raised, Exception):
            return False
        final = isinstance(raised, errors.MediaError) and not raised.transient
        self.codes[-1:] = [raised.code if final else "internal"]
        self.errors.append(f"{raised!r} {getattr(raised, 'detail', '')}")
        return True


def _convert(path: Path, media: Media, output: Format, workspace: Workspace) -> None:
    made = convert_original(Original(task_for(kind_of(output), output), path, media), workspace)
    assert isinstance(made, Rendition)
    assert made.path.stat().st_size == made.facts.filesize
