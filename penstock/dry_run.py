"""A conversion that is only thought: its input is looked at, no more of it than that needs, and the plan is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from penstock import engines
from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.cost import CostHistory, Forecast, estimate_cost, forecast
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import codecs_of, cost_class, output_duration, output_size, steps_of, summary
from penstock.domain.request import SourceRequest
from penstock.host.scratch import scratch_folder
from penstock.settings import Settings
from penstock.storage.download import FetchPolicy
from penstock.storage.interruptible import never_stopped
from penstock.storage.objects import ObjectStore
from penstock.storage.partial_download import PartialFile, partial_file_of_object, partial_file_of_url
from penstock.views.plans import EstimateView, PlanView, SourceView, StepView

# What is known of conversions of a family.
HistoryOf = Callable[[str], CostHistory]


@dataclass(frozen=True, slots=True)
class Probed:
    """What was seen of an input, and how many of its bytes were read for that."""

    media: Media
    bytes_read: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be done. `argv` is the encoder's argument list, with neutral names; empty where none would run."""

    request: SourceRequest
    look: Probed
    plan: Plan
    argv: list[str]
    forecast: Forecast

    @property
    def view(self) -> PlanView:
        size = output_size(self.plan, self.look.media)
        return PlanView(
            input=self.request.input,
            kind=self.request.kind,
            format=self.request.format,
            plan=summary(self.plan),
            steps=[StepView(**asdict(step)) for step in steps_of(self.plan)],
            argv=self.argv,
            width=size and size.width,
            height=size and size.height,
            codecs=codecs_of(self.plan),
            duration=_rounded(output_duration(self.plan)),
            estimate=EstimateView.model_validate(asdict(self.forecast)),
            source=_seen(self.look),
        )


@dataclass(frozen=True, slots=True)
class InputProber:
    """What looking at inputs takes: the tools, a place for their parts, and how much and how long at most."""

    tools: engines.Tools
    policy: FetchPolicy
    scratch: Path
    max_bytes: int

    @classmethod
    def from_settings(cls, settings: Settings, tools: engines.Tools, policy: FetchPolicy) -> "InputProber":
        hurried = replace(policy, total_seconds=min(policy.total_seconds, settings.plan_seconds))
        return cls(tools, hurried, settings.scratch, settings.max_plan_bytes)

    def probe_url(self, url: str) -> Probed:
        """Raises what a download raises, and `InputLimitsExceeded` where too much would have to be read."""
        with self._room() as path, partial_file_of_url(url, path, self.policy, self.max_bytes) as parts:
            return self._at(parts)

    def probe_object(self, objects: ObjectStore, key: str) -> Probed:
        """The same of a file that is stored."""
        with self._room() as path, partial_file_of_object(objects, key, path, self.max_bytes) as parts:
            return self._at(parts)

    def probe_file(self, path: Path) -> Probed:
        """The same of a file on this disk, which is read whole."""
        here = path.absolute()  # a child works in another directory
        return self._taken(Probed(engines.probe(here, self.tools), here.stat().st_size))

    def _at(self, parts: PartialFile) -> Probed:
        with watch_with_deadline(self.policy.total_seconds) as watch:
            return self._taken(Probed(engines.probe_remote(parts, self.tools, watch), parts.received))

    def _taken(self, look: Probed) -> Probed:
        self.tools.limits.require_fitting(look.media.kind, look.media.filesize)
        return look

    @contextmanager
    def _room(self) -> Iterator[Path]:
        with scratch_folder(self.scratch, "plan") as room:
            yield room / "input"


def plan_dry_run(
    request: SourceRequest,
    look: Probed,
    tools: engines.Tools,
    allowed_pairs: frozenset[tuple[str, str]],
    lore: HistoryOf,
) -> DryRun:
    """What would be done to the input that was looked at. Raises the refusal that its task would get."""
    plan = plan_for(request, look.media, tools.limits, allowed_pairs)
    expected = forecast(estimate_cost(plan, look.media), lore(cost_class(plan)))
    return DryRun(request, look, plan, engines.public_command(plan, look.media, tools), expected)


@dataclass(frozen=True, slots=True)
class _Hurry:
    """Wants nothing any more after a while, or once somebody else does not."""

    deadline: float
    unwanted: Callable[[], bool]

    def progress(self, percent: int) -> None:
        """Nobody hears it."""

    def spent(self, cpu_seconds: float) -> None:
        """Nobody counts."""

    def stopped(self) -> bool:
        return time.monotonic() > self.deadline or self.unwanted()


@contextmanager
def watch_with_deadline(seconds: float, unwanted: Callable[[], bool] = never_stopped) -> Iterator[engines.Watch]:
    """Who watches a look that may take so long. Raises `InputTimeout` after that, `Cancelled` once it is unwanted."""
    try:
        yield _Hurry(time.monotonic() + seconds, unwanted)
    except errors.Cancelled as late:
        if unwanted():
            raise
        raise errors.InputTimeout("It took too long to look at the input; ask for the conversion itself.") from late


def _seen(look: Probed) -> SourceView:
    media, size = look.media, look.media.shown
    streams = [stream.codec for stream in (media.video, media.audio) if stream]
    return SourceView(
        kind=media.kind,
        format=media.container,
        codecs=",".join(streams) or None,
        width=size and size.width,
        height=size and size.height,
        duration=_rounded(media.duration),
        filesize=media.filesize,
        bytes_read=look.bytes_read,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
