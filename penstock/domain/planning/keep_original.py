"""Where re-encoding made the output larger than the input, the input is kept instead."""

from dataclasses import replace

from penstock.domain.media import AudioStream, ImageFacts, Media, VideoStream
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    Cut,
    EncodeAudio,
    EncodeVideo,
    ImagePlan,
    KeepImage,
    Plan,
    VideoPlan,
)
from penstock.domain.planning.stream_copy import OVER_BITRATE

REENCODED_LARGER = "re-encoding made it larger"

# Pillow modes that every viewer shows; images of the other modes are converted.
_COMMON_MODES = frozenset(("RGB", "RGBA", "L", "LA", "P", "1"))


def plan_keeping_original(plan: Plan, media: Media) -> Plan | None:
    """The plan that copies the input instead; None where the input is not already what was requested."""
    match plan:
        case VideoPlan():
            video = _copied(plan.video, media.video) or plan.video
            instead = replace(plan, video=video, audio=_copied(plan.audio, media.audio) or plan.audio)
            return None if isinstance(video, EncodeVideo) or instead == plan else instead
        case AudioPlan():
            copy = _copied(plan.audio, media.audio)
            return replace(plan, audio=copy) if copy else None
        case ImagePlan() if media.image and _is_as_requested(plan, media.container, media.image):
            return KeepImage(plan.format, plan.framing.size, plan.duration, REENCODED_LARGER, tags=plan.tags)
        case _:
            return None


def _copied(step: Copy | EncodeVideo | EncodeAudio | None, stream: VideoStream | AudioStream | None) -> Copy | None:
    """A copy in place of a stream that was encoded only because of its bitrate."""
    if step is None or stream is None or step.because != OVER_BITRATE:
        return None
    return Copy(stream.index, stream.codec, REENCODED_LARGER)


def _is_as_requested(plan: ImagePlan, container: str, image: ImageFacts) -> bool:
    requested = (plan.format, plan.framing.scaled, plan.framing.size, plan.frames, plan.cut)
    unchanged = image.orientation == 1 and not image.profile and not plan.flatten and image.mode in _COMMON_MODES
    return unchanged and requested == (container, image.size, image.size, image.frames, Cut())
