"""Thumbnails as WebP by Pillow alone: `… OUT WIDTH QUALITY PHOTO` makes one, `… OUT WIDTH QUALITY FOLDER` those of a
folder on all cores."""

import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from PIL import Image, ImageOps


def main() -> None:
    out, width, quality, source = sys.argv[1:]
    convert = partial(_convert, Path(out), int(width), int(quality))
    path = Path(source)
    if path.is_file():
        convert(path)
        return
    with Pool() as pool:
        for _ in pool.imap_unordered(convert, sorted(path.iterdir()), chunksize=8):
            pass


def _convert(folder: Path, width: int, quality: int, path: Path) -> None:
    with Image.open(path) as picture:
        picture.draft("RGB", (width, width))
        picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(picture)
        upright.save(folder / f"{path.stem}.webp", "WEBP", quality=quality, method=2)


if __name__ == "__main__":
    main()
