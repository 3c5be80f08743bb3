"""The JSON of `POST /plans`: what a conversion would do and why, its output, its cost and its input."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from penstock.domain.formats import Format, Kind
from penstock.domain.planning.steps import Action


class StepView(BaseModel):
    """What is done to one stream, and why."""

    stream: Literal["video", "audio", "image"]
    action: Action
    codec: str
    because: str


class RangeView(BaseModel):
    """The expected value; four of five earlier conversions lay between `low` and `high`."""

    expected: float
    low: float
    high: float


class EstimateView(BaseModel):
    """Learnt from `tasks` earlier conversions with the same format and steps; null where there are fewer than three."""

    bytes: RangeView | None
    seconds: RangeView | None = Field(description="from the start of encoding to the verified output")
    tasks: int


class SourceView(BaseModel):
    """The input's facts; `bytes_read` is how many of its bytes were read for them. `duration` is the header's."""

    kind: Kind
    format: str
    codecs: str | None
    width: int | None
    height: int | None
    duration: float | None
    filesize: int
    bytes_read: int


class PlanView(BaseModel):
    """What a Task for the same request would do. It is not stored."""

    object: Literal["plan"] = "plan"
    input: str
    kind: Kind
    format: Format
    plan: dict[str, Any] = Field(description="as in a Task")
    steps: list[StepView]
    argv: list[str] = Field(description="the encoder's argument list with neutral file names; empty if no encoder runs")
    width: int | None
    height: int | None
    codecs: str | None
    duration: float | None
    estimate: EstimateView
    source: SourceView
