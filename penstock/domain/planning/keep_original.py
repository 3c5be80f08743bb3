"""What is done where an output came out larger than its input for nothing: the input is kept as it is."""

from dataclasses import replace

from penstock.domain.media import AudioStream, Media, Picture, VideoStream
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
from penstock.domain.planning.stream_copy import LAVISH

CAME_OUT_LARGER = "made anew it came out larger"

# What every viewer shows as it is; the other modes are made anew for a reason.
_PLAIN_MODES = frozenset(("RGB", "RGBA", "L", "LA", "P", "1"))


def kept(plan: Plan, media: Media) -> Plan | None:
    """The plan that takes the input as it is; None where the input is not what was asked for."""
    match plan:
        case VideoPlan():
            video = _copied(plan.video, media.video) or plan.video
            instead = replace(plan, video=video, audio=_copied(plan.audio, media.audio) or plan.audio)
            return None if isinstance(video, EncodeVideo) or instead == plan else instead
        case AudioPlan():
            copy = _copied(plan.audio, media.audio)
            return replace(plan, audio=copy) if copy else None
        case ImagePlan() if media.picture and _fits(plan, media.container, media.picture):
            return KeepImage(plan.format, plan.framing.size, plan.duration, CAME_OUT_LARGER, tags=plan.tags)
        case _:
            return None


def _copied(step: Copy | EncodeVideo | EncodeAudio | None, stream: VideoStream | AudioStream | None) -> Copy | None:
    """In place of what was encoded only to make it smaller."""
    dearer = step is not None and stream is not None and step.because == LAVISH
    return Copy(stream.index, stream.codec, CAME_OUT_LARGER) if stream and dearer else None


def _fits(plan: ImagePlan, container: str, picture: Picture) -> bool:
    asked = (plan.format, plan.framing.scaled, plan.framing.size, plan.frames, plan.cut)
    upright = picture.orientation == 1 and not picture.profile
    plain = picture.mode in _PLAIN_MODES and not plan.flatten
    return upright and plain and asked == (container, picture.size, picture.size, picture.frames, Cut())
