"""Photoshop documents: the picture of all layers together, which most programs store."""

import io
import struct

from PIL import Image, PsdImagePlugin

from penstock.engines.images.formats.libav import decoded_frame
from penstock.engines.images.formats.stills import StillImageFile, image_of

_ICC_PROFILE = 1039
_DEPTH_PLACE = slice(22, 24)
_HEADER_BYTES = 26


class PsdImageFile(StillImageFile):
    """With its ICC profile. By Pillow, which also reads CMYK and Lab, but 16 bits a channel by libav."""

    format = "PSD"

    def _decoded(self, data: bytes) -> Image.Image:
        if profile := _resources(data).get(_ICC_PROFILE):
            self.info["icc_profile"] = profile
        if int.from_bytes(data[_DEPTH_PLACE]) == 16:
            return image_of(decoded_frame("psd", data, self.size))
        with PsdImagePlugin.PsdImageFile(io.BytesIO(data)) as image:
            image.load()
            return image.convert("RGB") if image.mode == "P" else image


def _resources(data: bytes) -> dict[int, bytes]:
    """Contents by number. Raises `struct.error` if they are cut (Adobe Photoshop File Formats, Image Resources)."""
    offset = _HEADER_BYTES + 4 + struct.unpack_from(">I", data, _HEADER_BYTES)[0]
    (length,) = struct.unpack_from(">I", data, offset)
    offset, end = offset + 4, offset + 4 + length
    found = {}
    while offset + 12 <= end:
        (number,) = struct.unpack_from(">H", data, offset + 4)
        name_bytes = data[offset + 6] + 1
        offset += 6 + name_bytes + name_bytes % 2
        (length,) = struct.unpack_from(">I", data, offset)
        found[number] = data[offset + 4 : offset + 4 + length]
        offset += 4 + length + length % 2
    return found
