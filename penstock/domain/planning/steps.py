"""A plan described stream by stream: what is done to each, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from penstock.domain.ids import FileId
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
    planned_size,
)

Action = Literal["copy", "encode", "render", "reuse"]
REUSED = "the same bytes were converted with the same settings"


@dataclass(frozen=True, slots=True)
class StreamStep:
    """What is done to one stream. `codec` is the output's codec, for images the format; `result` describes the step
    in a few words, such as `encode h264 640x360`."""

    stream: Literal["video", "audio", "image"]
    action: Action
    codec: str
    because: str
    result: str


def steps_of(plan: Plan) -> tuple[StreamStep, ...]:
    """A step for each stream of the output, video before audio."""
    match plan:
        case VideoPlan():
            audio = (_stream_step("audio", plan.audio),) if plan.audio else ()
            return (_stream_step("video", plan.video), *audio)
        case AudioPlan():
            return (_stream_step("audio", plan.audio),)
        case GifPlan() | FramePlan() | ImagePlan() | KeepImage():
            return (_image_step(plan),)


def plan_summary(plan: Plan) -> dict[str, Any]:
    """The plan as the JSON of a Task shows it: the format, and for each stream a sentence with the reason."""
    return _summary(plan, steps_of(plan))


def reuse_steps(plan: Plan, file_id: FileId) -> tuple[StreamStep, ...]:
    """The steps where the output of an equal conversion is reused."""
    return tuple(StreamStep(step.stream, "reuse", step.codec, REUSED, f"reuse {file_id}") for step in steps_of(plan))


def reuse_summary(plan: Plan, file_id: FileId) -> dict[str, Any]:
    """The `plan_summary` of `reuse_steps`."""
    return _summary(plan, reuse_steps(plan, file_id))


def summary_text(summary: dict[str, Any]) -> str:
    """A `plan_summary` as one text, stream by stream."""
    return "; ".join(f"{name}: {done}" for name, done in summary.items() if name != "format" and done)


def codecs_of(plan: Plan) -> str | None:
    """The output's codecs as a File shows them, comma-separated; None for images."""
    return ",".join(step.codec for step in steps_of(plan) if step.stream != "image") or None


def output_size(plan: Plan, media: Media) -> Size | None:
    """The output's size in pixels, also where the video stream is copied; None for audio."""
    if isinstance(plan, VideoPlan) and isinstance(plan.video, Copy):
        return media.video.shown if media.video else None
    return planned_size(plan)


def output_duration(plan: Plan) -> float | None:
    """The output's duration in seconds; None for a still image and where the input's is unknown."""
    return None if isinstance(plan, FramePlan) else plan.duration


def cost_class(plan: Plan) -> str:
    """The class of conversions whose cost is comparable: the format, and the action and codec of each stream."""
    return " ".join((plan.format, *(f"{step.action}:{step.codec}" for step in steps_of(plan))))


def _summary(plan: Plan, steps: Iterable[StreamStep]) -> dict[str, Any]:
    absent = {"audio": None} if isinstance(plan, VideoPlan) else {}
    sentences: dict[str, Any] = {step.stream: f"{step.result}, because {step.because}" for step in steps}
    return {"format": plan.format, **absent, **sentences}


def _stream_step(stream: Literal["video", "audio"], step: Copy | EncodeVideo | EncodeAudio) -> StreamStep:
    match step:
        case Copy():
            return StreamStep(stream, "copy", step.codec, step.because, f"copy {step.codec}")
        case EncodeVideo():
            result = f"encode {step.codec} {_pixels(step.framing.size)}"
            return StreamStep(stream, "encode", step.codec, step.because, result)
        case EncodeAudio():
            channels = "1 channel" if step.channels == 1 else f"{step.channels} channels"
            result = f"encode {step.codec} with {channels}"
            return StreamStep(stream, "encode", step.codec, step.because, result)


def _image_step(plan: FramePlan | GifPlan | ImagePlan | KeepImage) -> StreamStep:
    size = planned_size(plan)
    image = f"{plan.format} {_pixels(size)}" if size else plan.format
    match plan:
        case GifPlan():
            result = f"encode {image} at {plan.fps:g} frames a second"
            return StreamStep("image", "encode", plan.format, plan.because, result)
        case FramePlan():
            frame = "a representative frame" if plan.at is None else f"the frame at {plan.at:g} s"
            return StreamStep("image", "render", plan.format, plan.because, f"{frame} as {image}")
        case ImagePlan():
            return StreamStep("image", "render", plan.format, plan.because, f"render {image}")
        case KeepImage():
            return StreamStep("image", "copy", plan.format, plan.because, f"copy {image}")


def _pixels(size: Size) -> str:
    return f"{size.width}x{size.height}"
