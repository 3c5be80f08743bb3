"""One conversion without Prefect: fetch the input and probe it; plan, encode, verify, score, and write the receipt."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock import engines
from penstock.conversion.early_refusal import EarlyCheck
from penstock.conversion.reuse import FindEarlier, digest_of, nothing_earlier, reuse_of
from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.cost import estimate_cost
from penstock.domain.planning.keep_original import plan_keeping_original
from penstock.domain.planning.plan import Cut, FramePlan, Plan, VideoPlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import cost_class, output_duration, plan_summary
from penstock.domain.receipt import Checks, Receipt, Score, StreamFacts, Work, drift_of
from penstock.domain.reuse import EarlierOutput
from penstock.domain.stages import Accepted, Original, Rendition, Reuse
from penstock.services import Services
from penstock.storage.download import download_input

# What the encoder of a plan waits for and holds while it runs.
Reserve = Callable[[Plan], AbstractContextManager[None]]
_LOG = logging.getLogger(__name__)
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a conversion works with: an empty scratch folder, and a watch that receives its progress and can stop it."""

    services: Services
    scratch: Path
    watch: engines.Watch
    log: Logger = _LOG


def fetch_input(accepted: Accepted, workspace: Workspace) -> Original:
    """The input in the scratch folder, probed. Raises the errors of downloads, of the storage and of `probe`."""
    services, path = workspace.services, workspace.scratch / "input"
    path.unlink(missing_ok=True)
    if accepted.file is not None:
        services.objects.get(accepted.file.key, path, workspace.watch.stopped)
        sha256: str | None = accepted.file.facts.sha256
    else:
        sha256 = _download(accepted, path, workspace)
    media = engines.probe(path, services.tools, workspace.watch)
    services.limits.require_fitting(media.kind, media.filesize)
    workspace.log.info("fetched %.2f MB of %s (%s)", media.filesize / 1e6, media.kind, media.container)
    return Original(accepted.task, path, media, sha256)


def _download(accepted: Accepted, path: Path, workspace: Workspace) -> str | None:
    """Returns the sha256 of the input.

    What the first bytes show to be impossible is refused before the rest is downloaded (`EarlyCheck`)."""
    services, task, watch = workspace.services, accepted.task, workspace.watch
    check = EarlyCheck(task.request, services.tools, services.allowed_pairs, services.settings.max_plan_bytes, watch)
    version = download_input(task.request.url or "", path, services.fetch_policy, check, watch.stopped)
    services.records.tasks.record_input_version(task.id, task.attempt, version)
    return version.sha256


def no_reservation(_plan: Plan) -> AbstractContextManager[None]:
    """Encode at once."""
    return nullcontext()


def convert_original(
    original: Original,
    workspace: Workspace,
    reserve: Reserve = no_reservation,
    find_earlier: FindEarlier = nothing_earlier,
) -> Rendition | Reuse:
    """The verified output; or the input, where that is smaller and already what was requested; or the output of an
    equal conversion, which is not made again.

    Raises the errors of `plan_for`, `InputError`, `EngineError`, and `Cancelled`."""
    meter = _CpuMeter(workspace.watch)
    conversion = _Conversion(original, replace(workspace, watch=meter))
    plan = conversion.plan()
    digest = conversion.digest(plan)
    earlier = find_earlier(digest) if digest else None
    if earlier is not None:
        return conversion.reuse(plan, earlier)
    with reserve(plan):
        started = time.monotonic()
        path = conversion.encode(plan)
    output = conversion.or_kept_input(conversion.verify(plan, path))
    spent = (time.monotonic() - started, meter.cpu_seconds)
    # Scoring holds no encoder slot: waiting for another one could take longer than the encode did.
    rendition = conversion.rendition(output, spent, conversion.score(output))
    return replace(rendition, conversion=digest)


@dataclass(frozen=True, slots=True)
class _Output:
    plan: Plan
    path: Path
    verified: engines.VerifiedOutput


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The steps of one conversion."""

    original: Original
    workspace: Workspace

    @property
    def _tools(self) -> engines.Tools:
        return self.workspace.services.tools

    @property
    def _source(self) -> engines.MediaFile:
        return engines.MediaFile(self.original.path, self.original.media)

    def plan(self) -> Plan:
        services = self.workspace.services
        plan = plan_for(self.original.task.request, self.original.media, services.limits, services.allowed_pairs)
        self._record(plan)
        return plan

    def digest(self, plan: Plan) -> str | None:
        """None where the digest of the input's bytes is not known."""
        sha256 = self.original.sha256
        return sha256 and digest_of(sha256, plan, self.original.media, self._tools)

    def reuse(self, plan: Plan, earlier: EarlierOutput) -> Reuse:
        reuse = reuse_of(self.original, plan, earlier, self._tools)
        self._record_summary(reuse.receipt.work.plan)
        return reuse

    def encode(self, plan: Plan, folder: Path | None = None) -> Path:
        return engines.encode(plan, self._source, folder or self.workspace.scratch, self._tools, self.workspace.watch)

    def verify(self, plan: Plan, path: Path) -> _Output:
        media = self.original.media
        return _Output(plan, path, engines.verify(path, plan, media, self._tools, self.workspace.watch))

    def or_kept_input(self, output: _Output) -> _Output:
        """The input in place of an output that is larger, if it is already what was requested."""
        if output.verified.facts.filesize <= self.original.media.filesize:
            return output
        plan = plan_keeping_original(output.plan, self.original.media)
        return output if plan is None else self._keep_input(plan) or output

    def _keep_input(self, plan: Plan) -> _Output | None:
        folder = self.workspace.scratch / "kept"
        folder.mkdir(exist_ok=True)
        try:
            output = self.verify(plan, self.encode(plan, folder))
        except (errors.InputError, errors.EngineError) as error:
            self.workspace.log.info("the input cannot be kept as it is: %s", error.code)
            return None
        self._record(plan)
        return output

    def score(self, output: _Output) -> Score | None:
        """Compare a few frames of the output with the input."""
        settings = self.workspace.services.settings
        is_video = isinstance(output.plan, VideoPlan)
        frames = settings.receipt_frames if is_video else int(settings.receipt_stills)
        encoded = engines.MediaFile(output.path, output.verified.read_back.media)
        comparison = engines.Comparison(self._source, encoded, frames)
        return engines.score(output.plan, comparison, self._tools, self.workspace.watch)

    def rendition(self, output: _Output, spent: tuple[float, float], score: Score | None) -> Rendition:
        """`spent` is the seconds of wall time and of CPU time."""
        source, facts = self.original.media, output.verified.facts
        work = _work_of(output.plan, source, self._tools, spent)
        receipt = _receipt_of(output.plan, source, output.verified, work, score)
        self.workspace.log.info("encoded %.2f MB of %s", facts.filesize / 1e6, facts.codecs or facts.format)
        media = output.verified.read_back.media
        return Rendition(self.original.task, output.path, output.plan, facts, media, receipt)

    def _record(self, plan: Plan) -> None:
        self._record_summary(plan_summary(plan))

    def _record_summary(self, summary: dict[str, Any]) -> None:
        task = self.original.task
        self.workspace.services.records.tasks.record_plan(task.id, task.attempt, summary)
        self.workspace.log.info("plan: %s", summary)


@dataclass(slots=True)
class _CpuMeter:
    """Passes everything on to `watch`, and adds up the CPU time of child processes."""

    watch: engines.Watch
    cpu_seconds: float = 0.0

    def progress(self, percent: int) -> None:
        self.watch.progress(percent)

    def stopped(self) -> bool:
        return self.watch.stopped()

    def spent(self, cpu_seconds: float) -> None:
        self.cpu_seconds += cpu_seconds
        self.watch.spent(cpu_seconds)


def _receipt_of(
    plan: Plan, source: Media, verified: engines.VerifiedOutput, work: Work, score: Score | None
) -> Receipt:
    checks = Checks(
        streams=_stream_facts(verified),
        expected_duration=output_duration(plan),
        drift=drift_of(source, verified.read_back.media, Cut() if isinstance(plan, FramePlan) else plan.cut),
        quality=score,
    )
    return Receipt(verified.facts, checks, work, cost_class(plan), estimate_cost(plan, source))


def _work_of(plan: Plan, source: Media, tools: engines.Tools, spent: tuple[float, float]) -> Work:
    """`spent` is the seconds of wall time and of CPU time."""
    wall, cpu = (round(seconds, 3) for seconds in spent)
    return Work(
        plan_summary(plan), engines.public_command(plan, source, tools), engines.tool_versions(tools), wall, cpu
    )


def _stream_facts(verified: engines.VerifiedOutput) -> tuple[StreamFacts, ...]:
    media, decoded_frames = verified.read_back.media, verified.read_back.decoded_frames
    if media.image:
        return (StreamFacts(media.container, None, media.image.duration, media.image.frames),)
    return tuple(
        StreamFacts(stream.codec, stream.start, stream.duration, _decoded_frames(verified, stream.index))
        for stream in (media.video, media.audio)
        if stream and stream.index in decoded_frames
    )


def _decoded_frames(verified: engines.VerifiedOutput, index: int) -> int:
    return verified.read_back.decoded_frames[index].total
