"""Plans the conversion of a probed input, without running it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from penstock.conversion.local_probe import Probed
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
from penstock.engines.encoding import public_command
from penstock.engines.tools import Tools
from penstock.views.plans import EstimateView, PlanView, SourceView, StepView

# The measured costs of earlier conversions of a cost class.
HistoryOf = Callable[[str], CostHistory]


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


def plan_dry_run(
    request: SourceRequest,
    probed: Probed,
    tools: Tools,
    allowed_pairs: frozenset[tuple[str, str]],
    history_of: HistoryOf,
) -> DryRun:
    """What the request would do to the probed input. Raises the error that its task would fail with."""
    plan = plan_for(request, probed.media, tools.limits, allowed_pairs)
    expected = forecast(estimate_cost(plan, probed.media), history_of(cost_class(plan)))
    return DryRun(request, probed, plan, public_command(plan, probed.media, tools), expected)


def reusing(dry_run: DryRun, earlier: File) -> DryRun:
    """The same with the output of an equal conversion in place of another encode."""
    return replace(dry_run, argv=[], forecast=forecast_of_reuse(earlier.facts.filesize), earlier=earlier)


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
