"""Probed facts of inputs, for tests that need no file."""

from dataclasses import replace
from typing import Any

from penstock.domain.formats import Kind
from penstock.domain.media import AudioStream, ImageFacts, Media, Size, VideoStream
from penstock.domain.request import SourceRequest, parse_request

H264 = VideoStream(
    index=0,
    codec="h264",
    coded=Size(1920, 1080),
    shown=Size(1920, 1080),
    pixel_format="yuv420p",
    profile="High",
    level=40,
    fps=25.0,
    duration=10.0,
    bitrate=4_000_000,
)
AAC = AudioStream(index=1, codec="aac", channels=2, sample_rate=48_000, profile="LC", duration=10.0, bitrate=128_000)


def video(container: str = "mp4", sound: AudioStream | None = AAC, **changes: Any) -> Media:
    """A ten-second H.264 video of 1920x1080 with AAC, changed as told."""
    return Media("video", container, 5_000_000, 10.0, 10.0, replace(H264, **changes), sound)


def audio(container: str = "m4a", **changes: Any) -> Media:
    """Ten seconds of AAC, changed as told."""
    return Media("audio", container, 160_000, 10.0, 10.0, None, replace(AAC, index=0, **changes))


def image(container: str = "jpeg", **changes: Any) -> Media:
    """A still of 1920x1080, changed as told."""
    return Media("image", container, 400_000, image=replace(ImageFacts(Size(1920, 1080), "RGB"), **changes))


def asked(kind: Kind, output: str, **fields: Any) -> SourceRequest:
    """A request for an output of this kind and format."""
    return parse_request({"url": "https://example.com/input", "kind": kind, "format": output, **fields})
