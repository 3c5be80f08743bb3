"""The words that go with a picture: its title, who made it, whose it is, and when it was taken.

They are read from EXIF (CIPA DC-008-2023, §4.6) and PNG's text (W3C PNG, 3rd edition, §11.3.3.2), and written as EXIF.
"""

import re
from typing import Any

from PIL import Image, ImageFile

from penstock.engines.images.opening import reading
from penstock.engines.probing.tags import kept_tags

EXIF_PREFIX = b"Exif\x00\x00"
_TAGS = {"title": 0x010E, "artist": 0x013B, "copyright": 0x8298}
_TEXTS = {"Title": "title", "Author": "artist", "Copyright": "copyright"}
_MAKER, _PHOTOGRAPH, _TAKEN = 0x010F, 0x8769, 0x9003
_MOMENT = re.compile(r"\d{4}(:\d\d){2} \d\d(:\d\d){2}")


def credits_of(picture: ImageFile.ImageFile) -> dict[str, str]:
    """What a picture says of itself, tidied. Where a camera filled in the title, it names the camera: left out."""
    with reading():
        exif = picture.getexif()
        found = {name: _text(exif.get(tag)) for name, tag in _TAGS.items()}
        taken = _text(exif.get_ifd(_PHOTOGRAPH).get(_TAKEN))
        maker = _text(exif.get(_MAKER)).partition(" ")[0]
    if maker and maker.lower() in found["title"].lower():
        del found["title"]
    if _MOMENT.fullmatch(taken):
        found["date"] = taken
    texts = {ours: _text(picture.info.get(theirs)) for theirs, ours in _TEXTS.items()}
    return kept_tags({**texts, **{name: said for name, said in found.items() if said}})


def exif_of(tags: dict[str, str]) -> bytes:
    """EXIF, with its prefix, that says this and nothing else; empty where there is nothing to say."""
    exif = Image.Exif()
    for name, tag in _TAGS.items():
        if name in tags:
            exif[tag] = tags[name].encode()
    if "date" in tags:
        exif.get_ifd(_PHOTOGRAPH)[_TAKEN] = tags["date"]
    return exif.tobytes() if len(exif) or "date" in tags else b""


def _text(value: Any) -> str:
    """EXIF's letters are ASCII by the book, and UTF-8 in the wild; Pillow takes them for Latin-1."""
    if not isinstance(value, str):
        return ""
    try:
        return value.encode("latin-1").decode().strip("\0 ")
    except UnicodeError:
        return value.strip("\0 ")
