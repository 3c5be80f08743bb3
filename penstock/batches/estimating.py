"""Estimates the planned lines of a batch by the headers of their inputs: what would be done, and what it would cost."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from penstock import engines
from penstock.batches.feeding import Feeder
from penstock.batches.line_requests import failed_item
from penstock.conversion.dry_run import DryRun, HistoryOf, plan_dry_run, reusing
from penstock.conversion.input_prober import InputProber, watch_with_deadline
from penstock.conversion.line_files import LineFiles
from penstock.conversion.local_probe import Probed
from penstock.conversion.located_files import is_located
from penstock.conversion.reuse import digest_of
from penstock.domain import errors
from penstock.domain.batch.addresses import scheme_of
from penstock.domain.batch.batch import BatchItem
from penstock.domain.batch.lines import LineRequest
from penstock.domain.batch.plan_totals import LineEstimate, PlanAction
from penstock.domain.batch.workload import estimated_line
from penstock.domain.media import Media
from penstock.domain.planning.cost import ExpectedRange
from penstock.domain.planning.steps import StreamStep, codecs_of, output_duration, output_size, summary_text
from penstock.domain.task import File
from penstock.host.scratch import scratch_folder
from penstock.sandbox.outcomes import attempt
from penstock.services import Services
from penstock.storage.interruptible import IsStopped, raise_if_stopped

GROUP_LINES = 16
# Local files up to this size are probed whole, several in one child process. Of others only the header is read.
WHOLE_BYTES = 8 * 2**20
REMOTE_THREADS = 16


def estimate_lines(files: LineFiles, is_stopped: IsStopped, show: Callable[[int], None]) -> None:
    """Record for every queued line what would be done with it: `planned`, or `failed` with the code of the refusal.

    Lines that are not reached before `not_after` stay queued. `show` is called with how many lines have been decided
    since. Raises `Cancelled`."""
    items, estimator = files.services.records.batch_items, LineEstimator.of(files, is_stopped)
    with ThreadPoolExecutor(os.cpu_count() or 1) as local, ThreadPoolExecutor(REMOTE_THREADS) as remote:
        for page in items.pages(files.batch.id, ["queued"]):
            near = [item for item in page if _is_probed_whole(item)]
            far = [item for item in page if not _is_probed_whole(item)]
            # Both pools work at once: `map` hands out everything when it is called.
            results = local.map(estimator.estimated, _groups(near)), remote.map(estimator.estimated, _groups(far, 1))
            for decided in (one for result in results for one in result):
                items.update(files.batch.id, decided)
                show(len(decided))


def _is_probed_whole(item: BatchItem) -> bool:
    return scheme_of(item.input) == "file" and (item.size or 0) <= WHOLE_BYTES


def _groups(items: Sequence[BatchItem], size: int = GROUP_LINES) -> Iterator[Sequence[BatchItem]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(frozen=True, slots=True)
class _ProbedLine:
    item: BatchItem
    request: LineRequest
    file: File | None
    probed: Probed | errors.MediaError


@dataclass(frozen=True, slots=True)
class LineEstimator:
    """Estimates groups of lines. Thread-safe."""

    files: LineFiles
    feeder: Feeder
    prober: InputProber
    history_of: HistoryOf
    is_stopped: IsStopped

    @classmethod
    def of(cls, files: LineFiles, is_stopped: IsStopped) -> "LineEstimator":
        """The history of each cost class is looked up once."""
        services, project_id = files.services, files.batch.project_id
        prober = InputProber.from_settings(services.settings, services.tools, services.fetch_policy)
        history = cache(partial(services.records.receipts.cost_history, project_id))
        return cls(files, Feeder(files.batch, services), prober, history, is_stopped)

    def estimated(self, items: Sequence[BatchItem]) -> list[BatchItem]:
        """The items as they are decided; none after the time for it. Raises `Cancelled`."""
        raise_if_stopped(self.is_stopped)
        if self.feeder.is_over:
            return []
        lines = [self._probed_alone(item) for item in items if not _is_probed_whole(item)]
        lines += self._probed_together([item for item in items if _is_probed_whole(item)])
        return [self._decided(line) for line in lines]

    def _probed_together(self, items: Sequence[BatchItem]) -> list[_ProbedLine]:
        """Local files, by links or copies in a scratch folder."""
        requests = [self.feeder.request_of(item) for item in items]
        if not items:
            return []
        with (
            scratch_folder(self._services.settings.scratch, "plan") as folder,
            watch_with_deadline(math.inf, self.is_stopped) as watch,
        ):
            fetched = [attempt(partial(self._fetched, folder), item) for item in items]
            paths = [one for one in fetched if isinstance(one, Path)]
            media = dict(zip(paths, engines.probe_each(paths, self._services.tools, watch), strict=True))
            probed = [one if isinstance(one, errors.MediaError) else _whole(media[one]) for one in fetched]
        lines = zip(items, requests, probed, strict=True)
        return [_ProbedLine(item, request, None, attempt(self._fitting, one)) for item, request, one in lines]

    def _fetched(self, folder: Path, item: BatchItem) -> Path:
        location, name = self.files.located_input(item.input)
        path = folder / str(item.number)
        location.fetch(name, path, None, self.is_stopped)
        return path

    def _fitting(self, probed: Probed) -> Probed:
        self._services.limits.require_fitting(probed.media.kind, probed.media.filesize)
        return probed

    def _probed_alone(self, item: BatchItem) -> _ProbedLine:
        request = self.feeder.request_of(item)
        file = attempt(self._file_of, request)
        if isinstance(file, errors.MediaError):
            return _ProbedLine(item, request, None, file)
        return _ProbedLine(item, request, file, attempt(partial(self._probe, file), request))

    def _file_of(self, request: LineRequest) -> File | None:
        files = self._services.records.files
        return files.get_input(self.files.batch.project_id, request.file_id) if request.file_id else None

    def _probe(self, file: File | None, request: LineRequest) -> Probed:
        if file is not None:
            return Probed(file.media, 0) if file.media else self.prober.probe_object(self._services.objects, file.key)
        if is_located(request.url):
            return self.prober.probe_location(*self.files.located_input(request.url), self.is_stopped)
        return self.prober.probe_url(request.url or "")

    def _decided(self, line: _ProbedLine) -> BatchItem:
        result = attempt(partial(self._dry_run, line), line.probed)
        match result:
            case errors.ProbeLimitExceeded():
                return _planned(line.item, f"not known from the header: {result.message}", LineEstimate("convert"))
            case errors.MediaError():
                return failed_item(line.item, result)
        return _planned(line.item, summary_text(result.summary), self._estimate(line, result), result)

    def _dry_run(self, line: _ProbedLine, probed: Probed) -> DryRun:
        services = self._services
        dry_run = plan_dry_run(line.request, probed, services.tools, services.allowed_pairs, self.history_of)
        earlier = self._earlier(line.file, dry_run) if line.file else None
        return reusing(dry_run, earlier) if earlier else dry_run

    def _earlier(self, file: File, dry_run: DryRun) -> File | None:
        """The output that would be reused: known where the input is a stored file, whose sha256 is known."""
        if self._services.settings.reuse == "off":
            return None
        digest = digest_of(file.facts.sha256, dry_run.plan, dry_run.probed.media, self._services.tools)
        found = self._services.records.conversions.find(file.project_id, [digest])
        return found[digest].file if found else None

    def _estimate(self, line: _ProbedLine, dry_run: DryRun) -> LineEstimate:
        expected, size = dry_run.forecast, dry_run.probed.media.filesize
        return LineEstimate(
            action=_action(dry_run.steps),
            bytes_in=size,
            bytes_out=expected.bytes or _exactly(dry_run.estimate.bytes),
            seconds=expected.seconds or _exactly(_usual_seconds(line, dry_run)),
            places=self._places(line.request),
        )

    def _places(self, request: LineRequest) -> int:
        """How many such lines one worker converts at once."""
        settings = self._services.settings
        slots = settings.image_slots if request.kind == "image" else settings.worker_slots
        return min(slots, os.cpu_count() or 1)

    @property
    def _services(self) -> Services:
        return self.files.services


def _whole(media: Media | errors.MediaError) -> Probed | errors.MediaError:
    return media if isinstance(media, errors.MediaError) else Probed(media, media.filesize)


def _usual_seconds(line: _ProbedLine, dry_run: DryRun) -> float:
    """An image of a chunk has no child process of its own, which most of its estimate is for."""
    if line.request.kind != "image":
        return dry_run.estimate.seconds
    return estimated_line(line.item, "image", dry_run.probed.media.filesize).seconds


def _exactly(value: float) -> ExpectedRange:
    return ExpectedRange(value, value, value)


def _action(steps: Sequence[StreamStep]) -> PlanAction:
    actions = {step.action for step in steps}
    return "reuse" if actions == {"reuse"} else "copy" if actions == {"copy"} else "convert"


def _planned(item: BatchItem, reason: str, estimate: LineEstimate, dry_run: DryRun | None = None) -> BatchItem:
    shown = _shown(dry_run) if dry_run else {}
    return replace(item, status="planned", reason=reason, result=shown | estimate.as_result())


def _shown(dry_run: DryRun) -> dict[str, object]:
    size = output_size(dry_run.plan, dry_run.probed.media)
    return {
        "codec": codecs_of(dry_run.plan),
        "width": size and size.width,
        "height": size and size.height,
        "duration": output_duration(dry_run.plan),
    }
