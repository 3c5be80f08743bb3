"""Plans a conversion without running it: probes the input, reading no more of it than that needs, and returns the
plan."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from penstock import engines
from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.cost import CostHistory, Estimate, Forecast, estimate_cost, forecast, forecast_of_reuse
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import (
    StreamStep,
    codecs_of,
    cost_class,
    output_duration,
    output_size,
    plan_summary,
    reuse_steps,
    reuse_summary,
    steps_of,
)
from penstock.domain.request import SourceRequest
from penstock.domain.task import File
from penstock.host.scratch import scratch_folder
from penstock.settings import Settings
from penstock.storage.http_source import FetchPolicy
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.locations.location import Location
from penstock.storage.object_store import ObjectStore
from penstock.storage.partial_download import (
    PartialFile,
    partial_file_of_location,
    partial_file_of_object,
    partial_file_of_url,
)
from penstock.views.plans import EstimateView, PlanView, SourceView, StepView

# The measured costs of earlier conversions of a cost class.
HistoryOf = Callable[[str], CostHistory]


@dataclass(frozen=True, slots=True)
class Probed:
    """The facts of an input, and how many of its bytes were read to find them."""

    media: Media
    bytes_read: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a conversion would do. `argv` is the argument list of the encoder, without real paths; empty where none
    would run. `earlier` is the output that would be reused."""

    request: SourceRequest
    probed: Probed
    plan: Plan
    argv: list[str]
    forecast: Forecast
    earlier: File | None = None

    @property
    def view(self) -> PlanView:
        size = output_size(self.plan, self.probed.media)
        return PlanView(
            input=self.request.input,
            kind=self.request.kind,
            format=self.request.format,
            plan=self.summary,
            steps=[StepView(**asdict(step)) for step in self.steps],
            argv=self.argv,
            width=size and size.width,
            height=size and size.height,
            codecs=codecs_of(self.plan),
            duration=_rounded(output_duration(self.plan)),
            estimate=EstimateView.model_validate(asdict(self.forecast)),
            source=_source_view(self.probed),
        )

    @property
    def summary(self) -> dict[str, Any]:
        return reuse_summary(self.plan, self.earlier.id) if self.earlier else plan_summary(self.plan)

    @property
    def estimate(self) -> Estimate:
        """The estimate where there is no history."""
        return estimate_cost(self.plan, self.probed.media)

    @property
    def steps(self) -> tuple[StreamStep, ...]:
        return reuse_steps(self.plan, self.earlier.id) if self.earlier else steps_of(self.plan)


@dataclass(frozen=True, slots=True)
class InputProber:
    """Probes inputs of every origin, within `max_bytes` and the time of `policy`."""

    tools: engines.Tools
    policy: FetchPolicy
    scratch: Path
    max_bytes: int

    @classmethod
    def from_settings(cls, settings: Settings, tools: engines.Tools, policy: FetchPolicy) -> "InputProber":
        bounded = replace(policy, total_seconds=min(policy.total_seconds, settings.plan_seconds))
        return cls(tools, bounded, settings.scratch, settings.max_plan_bytes)

    def probe_url(self, url: str) -> Probed:
        """Raises the errors of a download, and `InputLimitsExceeded` where more than `max_bytes` would have to be
        read."""
        with self._scratch_path() as path, partial_file_of_url(url, path, self.policy, self.max_bytes) as partial_file:
            return self._probe(partial_file)

    def probe_object(self, objects: ObjectStore, key: str) -> Probed:
        """A stored file. Raises the same."""
        with self._scratch_path() as path, partial_file_of_object(objects, key, path, self.max_bytes) as partial_file:
            return self._probe(partial_file)

    def probe_location(self, location: Location, name: str, is_stopped: IsStopped = never_stopped) -> Probed:
        """A file in a folder or prefix. Raises the same, and what `Location.fetch` raises of the input."""
        with (
            self._scratch_path() as path,
            partial_file_of_location(location, name, path, self.max_bytes, is_stopped) as partial_file,
        ):
            return self._probe(partial_file, is_stopped)

    def probe_file(self, path: Path) -> Probed:
        """A file of this disk; all of it counts as read."""
        absolute = path.absolute()  # a child process has another working directory
        return self._within_limits(Probed(engines.probe(absolute, self.tools), absolute.stat().st_size))

    def _probe(self, partial_file: PartialFile, is_stopped: IsStopped = never_stopped) -> Probed:
        with watch_with_deadline(self.policy.total_seconds, is_stopped) as watch:
            media = engines.probe_remote(partial_file, self.tools, watch)
            return self._within_limits(Probed(media, partial_file.received))

    def _within_limits(self, probed: Probed) -> Probed:
        self.tools.limits.require_fitting(probed.media.kind, probed.media.filesize)
        return probed

    @contextmanager
    def _scratch_path(self) -> Iterator[Path]:
        with scratch_folder(self.scratch, "plan") as folder:
            yield folder / "input"


def plan_dry_run(
    request: SourceRequest,
    probed: Probed,
    tools: engines.Tools,
    allowed_pairs: frozenset[tuple[str, str]],
    history_of: HistoryOf,
) -> DryRun:
    """What the request would do to the probed input. Raises the error that its task would fail with."""
    plan = plan_for(request, probed.media, tools.limits, allowed_pairs)
    expected = forecast(estimate_cost(plan, probed.media), history_of(cost_class(plan)))
    return DryRun(request, probed, plan, engines.public_command(plan, probed.media, tools), expected)


def reusing(dry_run: DryRun, earlier: File) -> DryRun:
    """The same with the output of an equal conversion in place of another encode."""
    return replace(dry_run, argv=[], forecast=forecast_of_reuse(earlier.facts.filesize), earlier=earlier)


@dataclass(frozen=True, slots=True)
class _DeadlineWatch:
    """Stops the work at a deadline (monotonic clock), or when `is_stopped`."""

    deadline: float
    is_stopped: Callable[[], bool]

    def progress(self, percent: int) -> None:
        """Ignored."""

    def spent(self, cpu_seconds: float) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        return time.monotonic() > self.deadline or self.is_stopped()


@contextmanager
def watch_with_deadline(seconds: float, is_stopped: Callable[[], bool] = never_stopped) -> Iterator[engines.Watch]:
    """A watch for a probe. Raises `InputTimeout` after `seconds`, `Cancelled` when `is_stopped`."""
    try:
        yield _DeadlineWatch(time.monotonic() + seconds, is_stopped)
    except errors.Cancelled as late:
        if is_stopped():
            raise
        raise errors.InputTimeout("Probing the input took too long. Start the conversion itself instead.") from late


def _source_view(probed: Probed) -> SourceView:
    media, size = probed.media, probed.media.shown
    streams = [stream.codec for stream in (media.video, media.audio) if stream]
    return SourceView(
        kind=media.kind,
        format=media.container,
        codecs=",".join(streams) or None,
        width=size and size.width,
        height=size and size.height,
        duration=_rounded(media.duration),
        filesize=media.filesize,
        bytes_read=probed.bytes_read,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
