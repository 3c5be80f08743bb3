"""Decode an opened image into the form that is written: upright, sRGB, eight bits a channel, at its new size."""

from PIL import Image, ImageFile

from penstock.domain.media import Size
from penstock.domain.planning.plan import Framing
from penstock.engines.images.color_management import to_srgb, with_srgb_gamma
from penstock.engines.images.exif import is_sideways, orientation
from penstock.engines.images.icc_profiles import declared_profile
from penstock.engines.images.opening import translated_errors
from penstock.engines.images.pixels import has_alpha, split_alpha, to_eight_bits
from penstock.engines.images.scaling import jpeg_shrink, read_scaled, scaled

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SCALABLE_MODES = frozenset(("L", "LA", "RGB", "RGBA", "CMYK"))


def normalized(image: ImageFile.ImageFile, framing: Framing) -> Image.Image:
    """Decode the image, upright, in sRGB or grayscale, with alpha only if it has transparency, cropped or padded.

    It is scaled before its colors are converted, because that leaves fewer pixels to convert."""
    with translated_errors():
        small, profile = _decoded_at_size(image, _stored_size(image, framing.scaled))
        colors, alpha = split_alpha(small)
        converted = to_srgb(colors, profile) if profile else to_srgb(with_srgb_gamma(colors, image.info), None)
        if alpha is not None:
            converted.putalpha(alpha)
        transposition = _TRANSPOSITIONS.get(orientation(image))
        upright = converted.transpose(transposition) if transposition is not None else converted
        # Keep the opened image unchanged: an animation still has to seek in it.
        result = upright.copy() if upright is image else upright
        result.info.clear()
    return _cropped_or_padded(result, framing)


def _decoded_at_size(image: ImageFile.ImageFile, size: tuple[int, int]) -> tuple[Image.Image, bytes | None]:
    """The scaled image, and the ICC profile that is still to be applied. CMYK is converted before it is scaled: its
    inks cannot be averaged, because black covers the others."""
    profile = image.info.get("icc_profile")
    if small := read_scaled(image, size):
        return small, profile or _declared_profile(small, image)
    if image.format in ("JPEG", "MPO"):
        shrink = jpeg_shrink(image, size)
        image.draft(image.mode, (image.width // shrink, image.height // shrink))
    image.load()
    decoded = to_eight_bits(image)
    if decoded.mode == "CMYK":
        return scaled(to_srgb(decoded, profile), size), None
    small = scaled(decoded, size) if decoded.mode in _SCALABLE_MODES else decoded
    return small, profile or _declared_profile(decoded, image)


def _declared_profile(decoded: Image.Image, image: ImageFile.ImageFile) -> bytes | None:
    return declared_profile(image) if decoded.mode in ("RGB", "RGBA") else None


def _stored_size(image: ImageFile.ImageFile, size: Size) -> tuple[int, int]:
    """Width and height before the orientation is applied."""
    return (size.height, size.width) if is_sideways(image) else (size.width, size.height)


def _cropped_or_padded(image: Image.Image, framing: Framing) -> Image.Image:
    """Around the center; scaled before, if it still has another size."""
    scaled_size, size = framing.scaled, framing.size
    image = scaled(image, (scaled_size.width, scaled_size.height))
    if scaled_size == size:
        return image
    return _padded(image, framing) if framing.fit == "pad" else _cropped(image, size)


def _padded(image: Image.Image, framing: Framing) -> Image.Image:
    mode = "RGBA" if has_alpha(image) else "RGB"
    canvas = Image.new(mode, (framing.size.width, framing.size.height), framing.background)
    left, top = (framing.size.width - image.width) // 2, (framing.size.height - image.height) // 2
    canvas.paste(image.convert(mode), (left, top))
    return canvas


def _cropped(image: Image.Image, size: Size) -> Image.Image:
    left, top = (image.width - size.width) // 2, (image.height - size.height) // 2
    return image.crop((left, top, left + size.width, top + size.height))
