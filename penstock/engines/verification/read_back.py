"""An output read back in one go: its facts, and the proof that it plays. Runs inside a child of the nursery."""

from penstock.domain.limits import Limits
from penstock.engines.images import pictures
from penstock.engines.probing.container import examine
from penstock.engines.probing.results import ReadBack
from penstock.engines.verification.decode_check import sample


def read_back(path: str, container: str, demuxer: str, limits: Limits) -> ReadBack:
    """For what lasts: the first and the last second of each stream are decoded."""
    media = examine(path, container, demuxer, limits)
    streams = [stream for stream in (media.video, media.audio) if stream]
    return ReadBack(media, sample(path, demuxer, {stream.index: stream.duration or 0.0 for stream in streams}))


def reread_picture(path: str, container: str, opener: str, limits: Limits) -> ReadBack:
    """For pictures and animations: every pixel of every frame is decoded."""
    return ReadBack(pictures.prove(path, container, opener, limits), {})
