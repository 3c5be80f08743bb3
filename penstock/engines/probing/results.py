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
class Played:
    """Frames of a stream that decode at the front, in the middle of a long one and at the end, and packets that do
    not."""

    front: int
    end: int
    failed: int
    middle: int | None = None


@dataclass(frozen=True, slots=True)
class Reread:
    """What an output holds, and what of each stream, by its index, was decoded. A picture is decoded whole, or an
    error is raised."""

    media: Media
    played: dict[int, Played]
