"""The inputs of the batch benchmarks: photos of 2 to 12 MP with grain, and films of two seconds.

Making a thousand of them would take longer than converting them: there are a few of each, and bytes that decoders
ignore make every file different from all others."""

import random
import subprocess
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from penstock.engines import bundled_ffmpeg

SIZES = ((1632, 1224), (2048, 1536), (2592, 1944), (3264, 2448), (4000, 3000), (4032, 3024))
FILM_SIZES = ("1280x720", "1920x1080")
FILM = "testsrc2=size={size}:rate=30:duration=2,hue=h={hue},noise=alls=4:allf=t"


def distinct_photos(count: int) -> list[bytes]:
    """JPEG files of each of the sizes in turn."""
    chance = random.Random(1)
    return [_photo(SIZES[number % len(SIZES)], 85 + number % 8, chance) for number in range(count)]


def write_photos(folder: Path, photos: Sequence[bytes], count: int, series: int) -> None:
    """Replace the folder's files by so many, none of which is equal to one of another series."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        photo = photos[number % len(photos)]
        text = f"{series:08}{number:08}".encode()
        comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
        (folder / f"IMG_{number:05}.jpg").write_bytes(photo[:2] + comment + photo[2:])


def distinct_films(folder: Path, count: int) -> list[bytes]:
    """MP4 files of h264 and aac, two seconds each."""
    return [_film(folder / "film.mp4", number) for number in range(count)]


def write_films(folder: Path, films: Sequence[bytes], count: int, series: int) -> None:
    """As `write_photos`."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        text = f"{series:08}{number:08}".encode()
        ignored = (len(text) + 8).to_bytes(4, "big") + b"free" + text
        (folder / f"VID_{number:05}.mp4").write_bytes(films[number % len(films)] + ignored)


def _photo(size: tuple[int, int], quality: int, chance: random.Random) -> bytes:
    """Soft shapes, grain, and some edges, about as hard on a decoder as a photograph."""
    coarse = (size[0] // 16, size[1] // 16)
    picture = Image.frombytes("RGB", coarse, chance.randbytes(coarse[0] * coarse[1] * 3)).resize(size)
    grain = Image.merge("RGB", [Image.effect_noise(size, 20)] * 3).point(lambda value: max(0, value - 108))
    picture = ImageChops.add(picture, grain)
    drawing = ImageDraw.Draw(picture)
    for _ in range(40):
        ends = [(chance.randrange(size[0]), chance.randrange(size[1])) for _ in range(2)]
        drawing.line(ends, fill=(chance.randrange(255), chance.randrange(255), chance.randrange(255)), width=5)
    buffer = BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.2)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _film(path: Path, number: int) -> bytes:
    picture = FILM.format(size=FILM_SIZES[number % len(FILM_SIZES)], hue=30 * number)
    sources = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=frequency={300 + number}:duration=2")
    written = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-y", str(path))
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *sources, *written], check=True)
    return path.read_bytes()
