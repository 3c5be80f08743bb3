"""A plan told step by step: for each stream what is done, to what, and why."""

from dataclasses import dataclass
from typing import Literal

from penstock.domain.media import Media, Size
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    EncodeAudio,
    EncodeVideo,
    FramePlan,
    GifPlan,
    ImagePlan,
    KeepImage,
    Plan,
    VideoPlan,
)
from penstock.domain.planning.plan import size_of as planned_size

Action = Literal["copy", "encode", "render"]


@dataclass(frozen=True, slots=True)
class StreamStep:
    """`codec` is what the stream is in the output; of a picture it is the format."""

    stream: Literal["video", "audio", "image"]
    action: Action
    codec: str
    because: str


def steps_of(plan: Plan) -> tuple[StreamStep, ...]:
    """What is done, the picture before the sound."""
    match plan:
        case VideoPlan():
            sound = (_step("audio", plan.audio),) if plan.audio else ()
            return (_step("video", plan.video), *sound)
        case AudioPlan():
            return (_step("audio", plan.audio),)
        case GifPlan():
            return (StreamStep("image", "encode", plan.format, plan.because),)
        case FramePlan() | ImagePlan():
            return (StreamStep("image", "render", plan.format, plan.because),)
        case KeepImage():
            return (StreamStep("image", "copy", plan.format, plan.because),)


def _step(stream: Literal["video", "audio"], step: Copy | EncodeVideo | EncodeAudio) -> StreamStep:
    return StreamStep(stream, "copy" if isinstance(step, Copy) else "encode", step.codec, step.because)


def codecs_of(plan: Plan) -> str | None:
    """The output's codecs as a File tells them; None for pictures."""
    return ",".join(step.codec for step in steps_of(plan) if step.stream != "image") or None


def output_size(plan: Plan, media: Media) -> Size | None:
    """The output's size in pixels; a picture that is copied keeps the input's. None for audio."""
    if isinstance(plan, VideoPlan) and isinstance(plan.video, Copy):
        return media.video.shown if media.video else None
    return planned_size(plan)


def output_duration(plan: Plan) -> float | None:
    """How long the output will last; None for a still, and where the input does not say."""
    return None if isinstance(plan, FramePlan) else plan.duration


def cost_class(plan: Plan) -> str:
    """What conversions are alike in cost: the format, and what is done to each stream."""
    return " ".join((plan.format, *(f"{step.action}:{step.codec}" for step in steps_of(plan))))
