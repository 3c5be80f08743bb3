"""The values that functions in child processes return to their parent.

Apart from those functions, because they load decoders, which the parent must not.
"""

from dataclasses import dataclass

from penstock.domain import errors
from penstock.domain.media import Media

# The first byte, and the one after the last.
ByteRange = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PartialProbe:
    """The facts of an incomplete file, or the offset of the first byte that was missing to find them."""

    media: Media | None
    missing_offset: int | None = None


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """How many frames of one stream were decoded: in its first and its last second, and in one second in the middle.

    A short file is decoded whole: then `whole` counts all its frames, and there is no middle. `failed` counts the
    packets that could not be decoded."""

    first_second: int
    last_second: int
    failed: int
    middle: int | None = None
    whole: int | None = None

    @property
    def total(self) -> int:
        if self.whole is not None:
            return self.whole
        return self.first_second + (self.middle or 0) + self.last_second


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What an output contains, and by stream index the frames that were decoded to check that it plays.

    `decoded_frames` is empty for an image: there every pixel is decoded, or an error is raised."""

    media: Media
    decoded_frames: dict[int, DecodedFrames]


def invalid_output(reason: str, detail: str) -> errors.OutputInvalid:
    """The error of an output that was made and must not be published."""
    return errors.OutputInvalid(f"The output was made but not published: {reason}.", detail=detail)
