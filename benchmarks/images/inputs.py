"""The images that are converted: those of the corpus, else generated ones of the same sizes."""

import os
from pathlib import Path

from PIL import Image

_RACECAR, _LARGE, _HUGE = "racecar-11MP.jpg", "large-24MP-4000x6000.webp", "large-99MP-9643x10328.jpg"
_ANIMATION = "animated-36.gif"


def inputs(scratch: Path) -> dict[str, Path]:
    """Paths by name; generated files are in the scratch folder."""
    folder = os.environ.get("PENSTOCK_CORPUS")
    return _found(Path(folder) / "image", scratch) if folder else _output_of(scratch)


def _found(images: Path, scratch: Path) -> dict[str, Path]:
    with Image.open(images / _LARGE) as large:
        large.convert("RGB").save(scratch / "24MP.jpg", quality=90)
    with Image.open(images / _RACECAR) as racecar:
        racecar.save(scratch / "11MP.png", icc_profile=racecar.info.get("icc_profile"))
    return {
        "11 MP JPEG": images / _RACECAR,
        "24 MP JPEG": scratch / "24MP.jpg",
        "99 MP JPEG": images / _HUGE,
        "11 MP PNG": scratch / "11MP.png",
        "GIF of 36 frames": images / _ANIMATION,
    }


def _output_of(scratch: Path) -> dict[str, Path]:
    for name, size in (("11MP.jpg", (4104, 2736)), ("24MP.jpg", (4000, 6000)), ("99MP.jpg", (9643, 10_328))):
        _photo(size).save(scratch / name, quality=90)
    with Image.open(scratch / "11MP.jpg") as smaller:
        smaller.save(scratch / "11MP.png")
    frames = [_photo((200, 150)).rotate(10 * turn) for turn in range(36)]
    frames[0].save(scratch / "36.gif", save_all=True, append_images=frames[1:], duration=100)
    return {
        "11 MP JPEG": scratch / "11MP.jpg",
        "24 MP JPEG": scratch / "24MP.jpg",
        "99 MP JPEG": scratch / "99MP.jpg",
        "11 MP PNG": scratch / "11MP.png",
        "GIF of 36 frames": scratch / "36.gif",
    }


def _photo(size: tuple[int, int]) -> Image.Image:
    """Gradients with grain of two sizes, about as hard on an encoder as a photograph."""
    coarse = Image.effect_noise((max(1, size[0] // 8), max(1, size[1] // 8)), 60).resize(size)
    slopes = [Image.linear_gradient("L").rotate(90 * turn).resize(size) for turn in range(3)]
    grain = Image.effect_noise(size, 12)
    return Image.merge("RGB", [Image.blend(Image.blend(slope, coarse, 0.4), grain, 0.2) for slope in slopes])
