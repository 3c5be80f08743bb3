"""What children answer. Apart from the code that finds it, which loads decoders that no parent may run."""

from dataclasses import dataclass

from penstock.domain.media import Media

# Of a file that is here in parts: from which byte to which.
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sketched:
    """The facts, or the place of the first byte that was missed."""

    media: Media | None
    missing: int | None = None


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """How many frames of one stream were decoded: in its first and its last second, and in one second in the middle
    (None for a short stream). `failed` counts the packets that could not be decoded."""

    first_second: int
    last_second: int
    failed: int
    middle: int | None = None

    @property
    def total(self) -> int:
        return self.first_second + (self.middle or 0) + self.last_second


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What an output contains, and by stream index the frames that were decoded to check that it plays.

    `decoded_frames` is empty for an image: there every pixel is decoded, or an error is raised."""

    media: Media
    decoded_frames: dict[int, DecodedFrames]
