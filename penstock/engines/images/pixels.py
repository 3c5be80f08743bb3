"""What happens to pixels between reading and writing: upright, sRGB, eight bits, the asked size, no hidden colours."""

import io
from typing import Any

from PIL import Image, ImageCms, ImageFile

from penstock.domain.media import Size
from penstock.domain.planning.plan import Framing
from penstock.engines.images.color_profiles import told_profile
from penstock.engines.images.frame_timing import has_late_tags
from penstock.engines.images.opening import reading
from penstock.engines.images.scaling import read_scaled, scaled, share

ORIENTATION = 0x0112
_TAGS = frozenset(
    ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif", "Title", "Author", "Copyright"),
)
_SIDEWAYS = frozenset((5, 6, 7, 8))
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ALPHA_MODES = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
_LINEAR_MODES = frozenset(("L", "LA", "RGB", "RGBA", "CMYK"))
# What a PNG's gamma is told to be for sRGB, and the share by which it may be off without being another one.
_SRGB_GAMMA, _UNSEEN = 0.45455, 0.05
_WIDE_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N", "F"))


def orientation(picture: ImageFile.ImageFile) -> int:
    """How the stored pixels have to be turned, in the words of EXIF; 1 is upright."""
    if picture.format == "TIFF":  # Pillow turns these itself, and tells their size as turned
        return 1
    if not has_tags(picture):
        return 1
    with reading():
        told = picture.getexif().get(ORIENTATION, 1)
    return told if told in range(1, 9) else 1


def has_tags(picture: ImageFile.ImageFile) -> bool:
    """Whether it may say something of itself. Pillow would decode all pixels of a PNG to find that nothing follows."""
    return picture.format != "PNG" or not _TAGS.isdisjoint(picture.info) or has_late_tags(str(picture.filename))


def shown_size(picture: ImageFile.ImageFile) -> Size:
    width, height = picture.size
    return Size(height, width) if orientation(picture) in _SIDEWAYS else Size(width, height)


def normal(picture: ImageFile.ImageFile, framing: Framing) -> Image.Image:
    """Upright, in sRGB or grey, eight bits a channel, alpha only where there was one; of the asked scale. Decodes.

    It is scaled before its colours are managed: there are fewer pixels then for all that follows."""
    with reading():
        small, profile = _small(picture, _stored(picture, framing.scaled))
        colours, alpha = _parted(small)
        plain = _srgb(colours, profile) if profile else _srgb(_ungamma(colours, picture.info), None)
        if alpha is not None:
            plain.putalpha(alpha)
        turn = _TURNS.get(orientation(picture))
        upright = plain.transpose(turn) if turn is not None else plain
        # What its file still needs to seek in is left alone.
        return _nameless(upright.copy() if upright is picture else upright)


def _small(picture: ImageFile.ImageFile, size: tuple[int, int]) -> tuple[Image.Image, bytes | None]:
    """Scaled, and the profile that is still to be obeyed. Inks cannot be averaged as they are: black lies over the
    others."""
    profile = picture.info.get("icc_profile")
    if small := read_scaled(picture, size):
        return small, profile or _told(small, picture)
    if picture.format in ("JPEG", "MPO"):
        part = share(picture, size)
        picture.draft(picture.mode, (picture.width // part, picture.height // part))
    picture.load()
    plain = _eight_bits(picture)
    if plain.mode == "CMYK":
        return scaled(_srgb(plain, profile), size), None
    return _scaled(plain, size), profile or _told(plain, picture)


def _told(plain: Image.Image, picture: ImageFile.ImageFile) -> bytes | None:
    return told_profile(picture) if plain.mode in ("RGB", "RGBA") else None


def _nameless(picture: Image.Image) -> Image.Image:
    picture.info.clear()
    return picture


def _stored(picture: ImageFile.ImageFile, size: Size) -> tuple[int, int]:
    """Width and height as they lie in the file."""
    sideways = orientation(picture) in _SIDEWAYS
    return (size.height, size.width) if sideways else (size.width, size.height)


def _scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return scaled(picture, size) if picture.mode in _LINEAR_MODES else picture


def framed(picture: Image.Image, framing: Framing) -> Image.Image:
    """Cropped or padded about the centre, and scaled if it still has to be."""
    wanted, size = framing.scaled, framing.size
    picture = scaled(picture, (wanted.width, wanted.height))
    if wanted == size:
        return picture
    return _padded(picture, framing) if framing.fit == "pad" else _cropped(picture, size)


def flattened(picture: Image.Image, background: str) -> Image.Image:
    """Without alpha: what shone through now shows the background."""
    if not has_alpha(picture):
        return picture
    canvas = Image.new("RGBA", picture.size, background)
    canvas.alpha_composite(picture.convert("RGBA"))
    return canvas.convert("RGB")


def has_alpha(picture: Image.Image) -> bool:
    return picture.mode in _ALPHA_MODES


def is_opaque(picture: Image.Image) -> bool:
    return not has_alpha(picture) or picture.getchannel("A").getextrema()[0] == 255


def strongest(picture: Image.Image) -> int:
    """The highest value of the alpha channel: 0 where nothing can be seen."""
    return max(value for value, pixels in enumerate(picture.getchannel("A").histogram()) if pixels)


def _parted(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours and the alpha channel, which colour management must not touch."""
    match picture.mode:
        case "LA":
            return picture.getchannel("L"), picture.getchannel("A")
        case "RGBA":
            return picture.convert("RGB"), picture.getchannel("A")
        case _:
            return picture, None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Eight bits a channel, no palette; LA or RGBA where something can be seen through."""
    if not picture.has_transparency_data:
        return _as("RGB", picture) if picture.mode in ("P", "RGBX") else _narrow(picture)
    if picture.mode in ("LA", "La"):
        return _as("LA", picture)
    if picture.mode in _WIDE_MODES:
        grey = _narrow(picture)
        grey.putalpha(_keyed(picture))
        return grey
    return _as("RGBA", picture)


def _as(mode: str, picture: Image.Image) -> Image.Image:
    return picture if picture.mode == mode else picture.convert(mode)


def _keyed(picture: Image.Image) -> Image.Image:
    """The alpha of a 16-bit picture that names one value as transparent."""
    opaque = [255] * 65_536
    opaque[picture.info["transparency"]] = 0
    return picture.convert("I").point(opaque, "L")


def _narrow(picture: Image.Image) -> Image.Image:
    match picture.mode:
        case "1":
            return picture.convert("L")
        case "F":
            return _stretched(picture)
        case mode if mode in _WIDE_MODES:
            return picture.convert("I").point([(value + 128) // 257 for value in range(65_536)], "L")
        case _:
            return picture


def _stretched(picture: Image.Image) -> Image.Image:
    """Floats carry no scale of their own: what is within 0…1 is taken as such, all else as 0…255."""
    highest = picture.getextrema()[1]
    factor = 255.0 if isinstance(highest, int | float) and highest <= 1.0 else 1.0
    return picture.point(lambda value: value * factor + 0.0).convert("L")


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The same colours in sRGB. A profile that makes no sense is passed over, as every viewer does."""
    if picture.mode == "LAB":
        return _transformed(picture, ImageCms.createProfile("LAB"))
    if profile:
        try:
            found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return picture if _is_srgb(found) and picture.mode in ("L", "RGB") else _transformed(picture, found)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def _ungamma(picture: Image.Image, told: dict[str | tuple[int, int], Any]) -> Image.Image:
    """The same light in sRGB's own curve, where a PNG tells of another one and of no profile."""
    gamma = told.get("gamma") or _SRGB_GAMMA
    if "srgb" in told or abs(gamma / _SRGB_GAMMA - 1) < _UNSEEN or picture.mode not in _LINEAR_MODES:
        return picture
    curve = [round(255 * _encoded((value / 255) ** (1 / gamma))) for value in range(256)]
    same = list(range(256))
    return picture.point([step for band in picture.getbands() for step in (same if band == "A" else curve)])


def _encoded(light: float) -> float:
    """sRGB's value of 0…1 for a share of the full light."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return (profile.profile.profile_description or "").startswith("sRGB")


def _transformed(picture: Image.Image, profile: object) -> Image.Image:
    result = ImageCms.profileToProfile(
        picture,
        profile,  # type: ignore[arg-type]
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if result is None:
        raise ValueError("nothing was transformed")
    return result


def _padded(picture: Image.Image, framing: Framing) -> Image.Image:
    mode = "RGBA" if has_alpha(picture) else "RGB"
    canvas = Image.new(mode, (framing.size.width, framing.size.height), framing.background)
    left, top = (framing.size.width - picture.width) // 2, (framing.size.height - picture.height) // 2
    canvas.paste(picture.convert(mode), (left, top))
    return canvas


def _cropped(picture: Image.Image, size: Size) -> Image.Image:
    left, top = (picture.width - size.width) // 2, (picture.height - size.height) // 2
    return picture.crop((left, top, left + size.width, top + size.height))
