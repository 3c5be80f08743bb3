"""What is done where an output came out larger than its input for nothing: the input is kept as it is."""

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

REENCODED_LARGER = "made anew it came out larger"

# What every viewer shows as it is; the other modes are made anew for a reason.
_PLAIN_MODES = frozenset(("RGB", "RGBA", "L", "LA", "P", "1"))


def plan_keeping_original(plan: Plan, media: Media) -> Plan | None:
    """The plan that takes the input as it is; None where the input is not what was asked for."""
    match plan:
        case VideoPlan():
            video = _copied(plan.video, media.video) or plan.video
            instead = replace(plan, video=video, audio=_copied(plan.audio, media.audio) or plan.audio)
            return None if isinstance(video, EncodeVideo) or instead == plan else instead
        case AudioPlan():
            copy = _copied(plan.audio, media.audio)
            return replace(plan, audio=copy) if copy else None
        case ImagePlan() if media.image and _fits(plan, media.container, media.image):
            return KeepImage(plan.format, plan.framing.size, plan.duration, REENCODED_LARGER, tags=plan.tags)
        case _:
            return None


def _copied(step: Copy | EncodeVideo | EncodeAudio | None, stream: VideoStream | AudioStream | None) -> Copy | None:
    """In place of what was encoded only to make it smaller."""
    dearer = step is not None and stream is not None and step.because == OVER_BITRATE
    return Copy(stream.index, stream.codec, REENCODED_LARGER) if stream and dearer else None


def _fits(plan: ImagePlan, container: str, picture: ImageFacts) -> bool:
    asked = (plan.format, plan.framing.scaled, plan.framing.size, plan.frames, plan.cut)
    upright = picture.orientation == 1 and not picture.profile
    plain = picture.mode in _PLAIN_MODES and not plan.flatten
    return upright and plain and asked == (container, picture.size, picture.size, picture.frames, Cut())
