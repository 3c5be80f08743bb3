"""Thumbnails as WebP by Pillow alone: `… OUT WIDTH QUALITY PHOTO` makes one; `… --pool OUT WIDTH QUALITY` those whose
paths, separated by NUL, are on the input, on all cores."""

import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from PIL import Image, ImageOps


def main() -> None:
    is_pool = sys.argv[1] == "--pool"
    out, width, quality, *photos = sys.argv[1 + is_pool :]
    convert = partial(_convert, Path(out), int(width), int(quality))
    if not is_pool:
        convert(Path(photos[0]))
        return
    with Pool() as pool:
        paths = map(Path, sys.stdin.read().split("\0"))
        for _ in pool.imap_unordered(convert, paths, chunksize=8):
            pass


def _convert(folder: Path, width: int, quality: int, path: Path) -> None:
    with Image.open(path) as picture:
        picture.draft("RGB", (width, width))
        picture.thumbnail((width, picture.height), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(picture)
        upright.save(folder / f"{path.stem}.webp", "WEBP", quality=quality, method=2)


if __name__ == "__main__":
    main()
