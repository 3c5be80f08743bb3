"""A Plan as its caller sees it: what would be done and why, what comes out, what it costs, what was looked at."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from penstock.domain.formats import Format, Kind


class StepView(BaseModel):
    """What is done to one stream, and why."""

    stream: Literal["video", "audio", "image"]
    action: Literal["copy", "encode", "render"]
    codec: str
    because: str


class RangeView(BaseModel):
    """What is expected; four of five conversions like it came out between `low` and `high`."""

    expected: float
    low: float
    high: float


class EstimateView(BaseModel):
    """Learnt from `tasks` ended ones of the same format and steps; null where they were too few to learn from."""

    bytes: RangeView | None
    seconds: RangeView | None = Field(description="from the start of the encoder to the verified output")
    tasks: int


class SourceView(BaseModel):
    """What the input is, and how many of its bytes were read to know it. `duration` is what its header says."""

    kind: Kind
    format: str
    codecs: str | None
    width: int | None
    height: int | None
    duration: float | None
    filesize: int
    bytes_read: int


class PlanView(BaseModel):
    """What a Task of the same request would do. Nothing is kept of it."""

    object: Literal["plan"] = "plan"
    input: str
    kind: Kind
    format: Format
    plan: dict[str, Any] = Field(description="as a Task tells it")
    steps: list[StepView]
    argv: list[str] = Field(description="of the encoder, with neutral names; empty where none is started")
    width: int | None
    height: int | None
    codecs: str | None
    duration: float | None
    estimate: EstimateView
    source: SourceView
