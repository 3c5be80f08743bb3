"""Write GIF files frame by frame: unchanged pixels are left out, and each frame has its own palette.

Frames are encoded with Pillow and joined here, because Pillow's own animation writer drops a frame in which nothing
changes. Every palette has one entry more than colors: the transparent index, for pixels that are not drawn.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from PIL import GifImagePlugin, Image, ImageChops

from penstock.domain.planning.quality import encoder_setting, gif_dither_strength
from penstock.engines.images.frame_timing import Frame, rounded_durations, without_short_frames
from penstock.engines.images.pixels import is_opaque, quantized

# Pixels with a lower alpha become transparent.
MIN_ALPHA = 128
_STEP_MILLISECONDS = 10
# Viewers show frames with a shorter duration for 100 ms.
_MIN_MILLISECONDS = 20.0
_DISPOSE_NONE, _DISPOSE_BACKGROUND = 1, 2


@dataclass(frozen=True, slots=True)
class GifFrame:
    """A palette image whose last color is the transparent index, its position, and what happens to it afterwards."""

    image: Image.Image
    milliseconds: int
    disposal: int
    position: tuple[int, int] = (0, 0)


def write_gif(frames: Sequence[Frame], plays: int, target: Path, quality: float) -> None:
    """Write an animation; a still image is one of a single frame."""
    encoded = _opaque_frames if all(is_opaque(frame.image) for frame in frames) else _transparent_frames
    long_enough = without_short_frames(frames, _MIN_MILLISECONDS, _STEP_MILLISECONDS)
    with target.open("wb") as file:
        file.write(_header(frames[0].image.size, plays))
        for frame in _with_repeats_merged(encoded(long_enough, quality)):
            file.writelines(_frame_blocks(frame))
        file.write(b";")


def _header(size: tuple[int, int], plays: int) -> bytes:
    """The loop extension holds the number of repeats after the first time; it is left out if there are none."""
    screen = b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0)
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", max(0, plays - 1), 0)
    return screen if plays == 1 else screen + loop


def _frame_blocks(frame: GifFrame) -> list[bytes]:
    return GifImagePlugin.getdata(
        frame.image,
        frame.position,
        duration=frame.milliseconds,
        disposal=frame.disposal,
        transparency=frame.image.info["transparency"],
        include_color_table=True,
    )


def _with_repeats_merged(frames: Iterator[GifFrame | int]) -> Iterator[GifFrame]:
    """A number is a frame like the one before: so many milliseconds are added to that."""
    last = next(frames)
    for frame in frames:
        match last, frame:
            case GifFrame(), int():
                last = replace(last, milliseconds=last.milliseconds + frame)
            case GifFrame(), GifFrame():
                yield last
                last = frame
    if isinstance(last, GifFrame):
        yield last


def _transparent_frames(frames: Sequence[Frame], quality: float) -> Iterator[GifFrame | int]:
    """Each frame is cleared before the next one is drawn. A number instead of a frame that repeats the last one."""
    before: bytes | None = None
    for frame, milliseconds in zip(frames, _durations(frames), strict=True):
        rgba = frame.image.convert("RGBA")
        undrawn = rgba.getchannel("A").point([255] * MIN_ALPHA + [0] * (256 - MIN_ALPHA))
        image = _with_transparent_index(_quantized(rgba.convert("RGB"), quality), undrawn)
        pixels = image.convert("RGBA").tobytes()
        box = ImageChops.invert(undrawn).getbbox() or (0, 0, 1, 1)
        drawn = GifFrame(_cropped(image, box), milliseconds, _DISPOSE_BACKGROUND, box[:2])
        yield milliseconds if pixels == before else drawn
        before = pixels


def _opaque_frames(frames: Sequence[Frame], quality: float) -> Iterator[GifFrame | int]:
    """Each frame is drawn over the last one, without the pixels that stay the same. A number if all of them do."""
    before: Image.Image | None = None
    for frame, milliseconds in zip(frames, _durations(frames), strict=True):
        palette_image = _quantized(frame.image.convert("RGB"), quality)
        rgb = palette_image.convert("RGB")
        unchanged = _unchanged_mask(before, rgb)
        box = ImageChops.invert(unchanged).getbbox()
        if box:
            image = _cropped(_with_transparent_index(palette_image, unchanged), box)
            yield GifFrame(image, milliseconds, _DISPOSE_NONE, box[:2])
        else:
            yield milliseconds
        before = rgb


def _durations(frames: Sequence[Frame]) -> list[int]:
    return rounded_durations([frame.milliseconds for frame in frames], _STEP_MILLISECONDS)


def _unchanged_mask(before: Image.Image | None, now: Image.Image) -> Image.Image:
    """255 where both images are equal, else 0."""
    if before is None:
        return Image.new("L", now.size, 0)
    *_, max_difference = accumulate(ImageChops.difference(before, now).split(), ImageChops.lighter)
    return max_difference.point([255] + [0] * 255)


def _with_transparent_index(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The palette image with a transparent index after its colors, which is set where the mask is."""
    palette = image.getpalette() or []
    index = len(palette) // 3
    image.putpalette([*palette, 0, 0, 0])
    image.paste(index, mask=mask)
    image.info["transparency"] = index
    return image


def _cropped(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    part = image.crop(box)
    part.info["transparency"] = image.info["transparency"]
    return part


def _quantized(image: Image.Image, quality: float) -> Image.Image:
    """With one color less than the palette could have, for the transparent index."""
    return quantized(image, int(encoder_setting("gif", quality)) - 1, gif_dither_strength(quality))
