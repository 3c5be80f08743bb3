"""One conversion without Prefect: fetch the input and probe it; plan, encode, verify, score, and write the receipt."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from penstock import engines
from penstock.conversion.inputs import fetch_bytes
from penstock.conversion.rendition import (
    PlannedOutput,
    Workspace,
    original_of,
    plan_keeping_smaller,
    plan_of,
    record,
    rendition_of,
    score_of,
)
from penstock.conversion.reuse import FindEarlier, digest_of, nothing_earlier, reuse_of
from penstock.domain import errors
from penstock.domain.planning.plan import ImagePlan, KeepImage, Plan
from penstock.domain.reuse import EarlierOutput, KeptOutput
from penstock.domain.stages import Accepted, Original, Rendition, Reuse
from penstock.domain.task import InputVersion

T = TypeVar("T")


class CallPart(Protocol):
    """Calls a part of a conversion that people may want to see on its own."""

    def __call__(self, name: Literal["verify", "score"], part: Callable[[], T], /) -> T: ...


def call_unseen(_name: str, part: Callable[[], T], /) -> T:
    return part()


# What the encoder of a plan waits for and holds while it runs.
Reserve = Callable[[Plan], AbstractContextManager[None]]


def fetch_input(accepted: Accepted, workspace: Workspace) -> Original:
    """The input in the scratch folder, probed. Raises the errors of downloads, of the storage and of `probe`."""
    services, path = workspace.services, workspace.scratch / "input"
    path.unlink(missing_ok=True)
    version = fetch_bytes(accepted, path, services, workspace.watch)
    services.records.tasks.record_input_version(accepted.task.id, accepted.task.attempt, version)
    media = engines.probe(path, services.tools, workspace.watch)
    original = original_of(accepted.task, path, media, services)
    workspace.log.info("fetched %.2f MB of %s (%s)", media.filesize / 1e6, media.kind, media.container)
    return replace(original, sha256=input_sha256(accepted, version))


def input_sha256(accepted: Accepted, version: InputVersion | None) -> str | None:
    """The sha256 of the input's bytes, where it is known."""
    if accepted.file is not None:
        return accepted.file.facts.sha256
    return version.sha256 if version else None


def no_reservation(_plan: Plan) -> AbstractContextManager[None]:
    """Encode at once."""
    return nullcontext()


def convert_original(
    original: Original,
    workspace: Workspace,
    reserve: Reserve = no_reservation,
    find_earlier: FindEarlier = nothing_earlier,
    call_part: CallPart = call_unseen,
) -> Rendition | Reuse:
    """The verified output; or the input, where that is smaller and already what was requested; or the output of an
    equal conversion or of an earlier attempt, which is not made again.

    Raises the errors of `plan_for`, `InputError`, `EngineError`, and `Cancelled`."""
    meter = engines.CpuMeter(workspace.watch)
    conversion = _Conversion(original, replace(workspace, watch=meter))
    plan = plan_of(original, workspace.services)
    record(plan, original, workspace)
    digest = conversion.digest(plan)
    match find_earlier(digest) if digest else None:
        case EarlierOutput() as earlier:
            return conversion.reuse(plan, earlier)
        case KeptOutput() as kept:
            return replace(conversion.resume(plan, kept), conversion=digest)
    with reserve(plan):
        started = time.monotonic()
        made = conversion.make(plan, _output_folder(workspace, "output"))
    output = made if isinstance(made, PlannedOutput) else call_part("verify", partial(conversion.verify, plan, made))
    output = conversion.or_kept_input(output)
    spent = (time.monotonic() - started, meter.cpu_seconds)
    # Scoring holds no encoder slot: waiting for another one could take longer than the encode did.
    score = call_part("score", lambda: score_of(output, original, conversion.workspace))
    return replace(rendition_of(output, original, workspace, spent, score), conversion=digest)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The steps of one conversion."""

    original: Original
    workspace: Workspace

    def digest(self, plan: Plan) -> str | None:
        """None where the digest of the input's bytes is not known."""
        sha256 = self.original.sha256
        return sha256 and digest_of(sha256, plan, self.original.media, self.workspace.tools)

    def reuse(self, plan: Plan, earlier: EarlierOutput) -> Reuse:
        reuse = reuse_of(self.original, plan, earlier, self.workspace.tools)
        self.workspace.record_plan(self.original.task, reuse.receipt.work.plan)
        return reuse

    def resume(self, plan: Plan, kept: KeptOutput) -> Rendition:
        self.workspace.record_plan(self.original.task, kept.receipt.work.plan)
        self.workspace.log.info("an earlier attempt has made and verified this output")
        return Rendition(self.original.task, kept.path, plan, kept.facts, kept.media, kept.receipt)

    def make(self, plan: Plan, folder: Path) -> PlannedOutput | Path:
        """An image is verified with what the child that made it has read back; of all else the path."""
        source, workspace = engines.MediaFile(self.original.path, self.original.media), self.workspace
        if isinstance(plan, ImagePlan | KeepImage):
            conversion = engines.ImageConversion(plan, source, folder)
            image = engines.make_image(conversion, workspace.tools, workspace.watch)
            return PlannedOutput(plan, image.path, image.verified)
        return engines.encode(plan, source, folder, workspace.tools, workspace.watch)

    def verify(self, plan: Plan, path: Path) -> PlannedOutput:
        media, workspace = self.original.media, self.workspace
        return PlannedOutput(plan, path, engines.verify(path, plan, media, workspace.tools, workspace.watch))

    def or_kept_input(self, output: PlannedOutput) -> PlannedOutput:
        """The input in place of an output that is larger, if it is already what was requested."""
        plan = plan_keeping_smaller(output, self.original.media)
        return output if plan is None else self._keep_input(plan) or output

    def _keep_input(self, plan: Plan) -> PlannedOutput | None:
        folder = _output_folder(self.workspace, "kept")
        try:
            made = self.make(plan, folder)
            output = made if isinstance(made, PlannedOutput) else self.verify(plan, made)
        except (errors.InputError, errors.EngineError) as error:
            self.workspace.log.info("the input cannot be kept as it is: %s", error.code)
            return None
        record(plan, self.original, self.workspace)
        return output


def _output_folder(workspace: Workspace, name: str) -> Path:
    """Apart from the input: the child that encodes may write to all of this folder."""
    folder = workspace.scratch / name
    folder.mkdir(exist_ok=True)
    return folder
