"""The limits on inputs, outputs and child processes, as set by the operator. Bytes, pixels, seconds."""

from dataclasses import dataclass

from penstock.domain import errors
from penstock.domain.formats import Kind


@dataclass(frozen=True, slots=True)
class Limits:
    video_input_bytes: int = 16 * 2**30
    audio_input_bytes: int = 2 * 2**30
    image_input_bytes: int = 256 * 2**20
    output_bytes: int = 4 * 2**30
    image_pixels: int = 50_000_000
    image_side_pixels: int = 16_384
    animation_frames: int = 1000
    animation_pixels: int = 250_000_000
    video_pixels: int = 8192 * 4320
    video_fps: float = 240.0
    video_frames: int = 4 * 3600 * 120
    audio_channels: int = 8
    audio_sample_rate_hz: int = 1_536_000
    duration_seconds: float = 4 * 3600.0
    streams: int = 32
    transcode_min_seconds: float = 120.0
    transcode_max_seconds: float = 4 * 3600.0
    transcode_seconds_per_second: float = 10.0
    child_memory_bytes: int = 3 * 2**30

    def input_bytes(self, kind: Kind) -> int:
        """The maximum size in bytes of an input of one kind."""
        return {"video": self.video_input_bytes, "audio": self.audio_input_bytes, "image": self.image_input_bytes}[kind]

    @property
    def largest_input_bytes(self) -> int:
        """The maximum size in bytes of an input of any kind."""
        return max(self.video_input_bytes, self.audio_input_bytes, self.image_input_bytes)

    def require_fitting(self, kind: Kind, size: int) -> None:
        """Raises `InputTooLarge` if an input of this kind may not have `size` bytes."""
        if size > (maximum := self.input_bytes(kind)):
            raise errors.InputTooLarge(f"The input has {size:,} bytes; at most {maximum:,} are allowed for {kind}.")
