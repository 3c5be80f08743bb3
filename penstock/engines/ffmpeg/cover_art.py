"""Covers in Ogg: a picture block among the comments, in letters.

The block is FLAC's (RFC 9639, §8.8), its name and its base64 are those of the Vorbis comment field recommendations
(https://wiki.xiph.org/VorbisComment#METADATA_BLOCK_PICTURE); the file it is handed over in is ffmpeg's `ffmetadata`.
"""

import base64
import struct

from penstock.domain.media import Size

_FRONT, _MIME, _BITS = 3, b"image/jpeg", 24


def comments(jpeg: bytes, size: Size) -> str:
    """An `ffmetadata` file whose one word is this cover."""
    told = base64.b64encode(_block(jpeg, size)).decode().replace("=", "\\=")
    return f";FFMETADATA1\nMETADATA_BLOCK_PICTURE={told}\n"


def _block(jpeg: bytes, size: Size) -> bytes:
    """Kind, type, no description, pixels, bits of each, no palette, and the picture."""
    kind = struct.pack(">II", _FRONT, len(_MIME)) + _MIME
    return kind + struct.pack(">6I", 0, size.width, size.height, _BITS, 0, len(jpeg)) + jpeg
