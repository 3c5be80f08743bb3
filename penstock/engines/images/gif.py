"""GIF, frame by frame: what stays is left out, and each frame has colours of its own.

The frames are put together here because Pillow's own way loses a frame that is all hole."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from PIL import GifImagePlugin, Image, ImageChops

from penstock.domain.planning.quality import encoder_setting, gif_dither_strength
from penstock.engines.images.frames import Frame, carried, thinned
from penstock.engines.images.palettes import few_colours
from penstock.engines.images.pixels import is_opaque

SOLID = 128
_STEP = 10
_LEAST = 20.0  # viewers show what is told to be shorter for a tenth of a second
_KEEP, _CLEAR = 1, 2


@dataclass(frozen=True, slots=True)
class _Shot:
    """A frame as it is written: a palette picture whose last colour is a hole, and where it goes."""

    picture: Image.Image
    milliseconds: int
    after: int
    place: tuple[int, int] = (0, 0)


def write_gif(frames: Sequence[Frame], plays: int, target: Path, quality: float) -> None:
    """A still is an animation of one frame."""
    moving = _holed if any(not is_opaque(frame.picture) for frame in frames) else _solid
    countable = thinned(frames, _LEAST, _STEP)
    with target.open("wb") as file:
        file.write(_header(frames[0].picture.size, plays))
        for shot in _merged(moving(countable, quality)):
            file.writelines(_written(shot))
        file.write(b";")


def _header(size: tuple[int, int], plays: int) -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0)
    # The file counts repeats after the first time, and says nothing where there are none.
    return (
        screen if plays == 1 else screen + b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", max(0, plays - 1), 0)
    )


def _written(shot: _Shot) -> list[bytes]:
    return GifImagePlugin.getdata(
        shot.picture,
        shot.place,
        duration=shot.milliseconds,
        disposal=shot.after,
        transparency=shot.picture.info["transparency"],
        include_color_table=True,
    )


def _merged(shots: Iterator[_Shot | int]) -> Iterator[_Shot]:
    """A number is time that the shot before it stays."""
    last = next(shots)
    for shot in shots:
        match last, shot:
            case _Shot(), int():
                last = replace(last, milliseconds=last.milliseconds + shot)
            case _Shot(), _Shot():
                yield last
                last = shot
    if isinstance(last, _Shot):
        yield last


def _holed(frames: Sequence[Frame], quality: float) -> Iterator[_Shot | int]:
    """Frames one can look through are cleared away before the next one."""
    before: bytes | None = None
    for frame, time in zip(frames, _times(frames), strict=True):
        whole = frame.picture.convert("RGBA")
        nothing = whole.getchannel("A").point([255] * SOLID + [0] * (256 - SOLID))
        picture = _with_hole(_reduced(whole.convert("RGB"), quality), nothing)
        shown = picture.convert("RGBA").tobytes()
        box = ImageChops.invert(nothing).getbbox() or (0, 0, 1, 1)
        yield time if shown == before else _Shot(_crop(picture, box), time, _CLEAR, box[:2])
        before = shown


def _solid(frames: Sequence[Frame], quality: float) -> Iterator[_Shot | int]:
    """Frames that cover all: of each, only what has changed."""
    before: Image.Image | None = None
    for frame, time in zip(frames, _times(frames), strict=True):
        reduced = _reduced(frame.picture.convert("RGB"), quality)
        shown = reduced.convert("RGB")
        unchanged = _unchanged(before, shown)
        box = ImageChops.invert(unchanged).getbbox()
        yield _Shot(_crop(_with_hole(reduced, unchanged), box), time, _KEEP, box[:2]) if box else time
        before = shown


def _times(frames: Sequence[Frame]) -> list[int]:
    return carried([frame.milliseconds for frame in frames], _STEP)


def _unchanged(before: Image.Image | None, now: Image.Image) -> Image.Image:
    """White where both are the same."""
    if before is None:
        return Image.new("L", now.size, 0)
    *_, most = accumulate(ImageChops.difference(before, now).split(), ImageChops.lighter)
    return most.point([255] + [0] * 255)


def _with_hole(picture: Image.Image, nothing: Image.Image) -> Image.Image:
    colours = picture.getpalette() or []
    hole = len(colours) // 3
    picture.putpalette([*colours, 0, 0, 0])
    picture.paste(hole, mask=nothing)
    picture.info["transparency"] = hole
    return picture


def _crop(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    part = picture.crop(box)
    part.info["transparency"] = picture.info["transparency"]
    return part


def _reduced(picture: Image.Image, quality: float) -> Image.Image:
    """One colour fewer than there could be: the hole needs a place."""
    return few_colours(picture, int(encoder_setting("gif", quality)) - 1, gif_dither_strength(quality))
