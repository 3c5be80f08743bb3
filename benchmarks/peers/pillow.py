"""One conversion for each line of JSON on the input, one line for an answer: Pillow as its manual has it used."""

import json
import sys
from typing import Any

from PIL import Image, ImageOps


def main() -> None:
    Image.MAX_IMAGE_PIXELS = None
    for line in sys.stdin:
        _convert(**json.loads(line))
        print("{}", flush=True)


def _convert(source: str, target: str, width: int | None, **how: Any) -> None:
    with Image.open(source) as picture:
        if getattr(picture, "is_animated", False):
            picture.save(target, how["format"], save_all=True, quality=how["quality"], method=2)
            return
        picture.thumbnail((width or picture.width, picture.height), Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        upright.save(target, how["format"], quality=how["quality"], method=2, progressive=True)


if __name__ == "__main__":
    main()
