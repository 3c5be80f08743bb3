"""Metadata of images: orientation, title, artist, copyright and date.

Read from EXIF (CIPA DC-008-2023 §4.6) and PNG text (W3C PNG, 3rd edition, §11.3.3.2); written as EXIF.
"""

import re
from typing import Any

from PIL import Image, ImageFile

from penstock.domain.media import Size
from penstock.engines.images.file_blocks import png_has_chunk
from penstock.engines.images.opening import translated_errors
from penstock.engines.probing.tags import kept_tags

EXIF_PREFIX = b"Exif\x00\x00"
_EXIF_TAGS = {"title": 0x010E, "artist": 0x013B, "copyright": 0x8298}
_PNG_TEXTS = {"Title": "title", "Author": "artist", "Copyright": "copyright"}
_MAKE, _EXIF_IFD, _DATE_TIME_ORIGINAL, _ORIENTATION = 0x010F, 0x8769, 0x9003, 0x0112
_SIDEWAYS = frozenset((5, 6, 7, 8))
_DATE_TIME = re.compile(r"\d{4}(:\d\d){2} \d\d(:\d\d){2}")
# Keys of Pillow's `info` that may hold tags or an orientation.
_METADATA_KEYS = frozenset(
    ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Title", "Author", "Copyright"),
)


def read_tags(image: ImageFile.ImageFile) -> dict[str, str]:
    """The tags that an output keeps. A title with the name of the camera's maker is the camera's default: dropped."""
    with translated_errors():
        exif = image.getexif()
        found = {name: _text(exif.get(tag)) for name, tag in _EXIF_TAGS.items()}
        date = _text(exif.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL))
        maker = _text(exif.get(_MAKE)).partition(" ")[0]
    if maker and maker.lower() in found["title"].lower():
        del found["title"]
    if _DATE_TIME.fullmatch(date):
        found["date"] = date
    texts = {name: _text(image.info.get(keyword)) for keyword, name in _PNG_TEXTS.items()}
    return kept_tags({**texts, **{name: value for name, value in found.items() if value}})


def exif_bytes(tags: dict[str, str]) -> bytes:
    """EXIF with these tags only, with its prefix; empty if there are none."""
    exif = Image.Exif()
    for name, tag in _EXIF_TAGS.items():
        if name in tags:
            exif[tag] = tags[name].encode()
    if "date" in tags:
        exif.get_ifd(_EXIF_IFD)[_DATE_TIME_ORIGINAL] = tags["date"]
    return exif.tobytes() if len(exif) or "date" in tags else b""


def orientation(image: ImageFile.ImageFile) -> int:
    """The EXIF orientation, 1 to 8; 1 is upright."""
    if image.format == "TIFF":  # Pillow applies it itself
        return 1
    if not has_metadata(image):
        return 1
    with translated_errors():
        value = image.getexif().get(_ORIENTATION, 1)
    return value if value in range(1, 9) else 1


def upright_size(image: ImageFile.ImageFile) -> Size:
    width, height = image.size
    return Size(height, width) if is_sideways(image) else Size(width, height)


def is_sideways(image: ImageFile.ImageFile) -> bool:
    """Whether its orientation exchanges width and height."""
    return orientation(image) in _SIDEWAYS


def has_metadata(image: ImageFile.ImageFile) -> bool:
    """Whether the image may have tags. Without this check Pillow decodes all pixels of a PNG, to find that no EXIF
    follows them."""
    if image.format != "PNG":
        return True
    return not _METADATA_KEYS.isdisjoint(image.info) or png_has_chunk(str(image.filename), b"eXIf")


def _text(value: Any) -> str:
    """EXIF text is ASCII by the standard and often UTF-8; Pillow decodes it as Latin-1."""
    if not isinstance(value, str):
        return ""
    try:
        return value.encode("latin-1").decode().strip("\0 ")
    except UnicodeError:
        return value.strip("\0 ")
