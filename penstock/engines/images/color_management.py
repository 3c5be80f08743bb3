"""Convert images to sRGB: by an ICC profile, or by the gamma of a PNG."""

import io
from typing import Any

from PIL import Image, ImageCms

# The gamma that a PNG declares for sRGB, and the relative difference that is ignored.
_SRGB_GAMMA, _GAMMA_TOLERANCE = 0.45455, 0.05
_GAMMA_MODES = frozenset(("L", "LA", "RGB", "RGBA", "CMYK"))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB or grayscale. An invalid profile is ignored, as in viewers."""
    if image.mode == "LAB":
        return _transformed(image, ImageCms.createProfile("LAB"))
    if profile:
        try:
            parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return image if _is_srgb(parsed) and image.mode in ("L", "RGB") else _transformed(image, parsed)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def with_srgb_gamma(image: Image.Image, info: dict[str | tuple[int, int], Any]) -> Image.Image:
    """The image with sRGB's transfer function, if a PNG declares another gamma and no profile."""
    gamma = info.get("gamma") or _SRGB_GAMMA
    if "srgb" in info or abs(gamma / _SRGB_GAMMA - 1) < _GAMMA_TOLERANCE or image.mode not in _GAMMA_MODES:
        return image
    curve = [round(255 * _linear_to_srgb((value / 255) ** (1 / gamma))) for value in range(256)]
    identity = list(range(256))
    return image.point([step for band in image.getbands() for step in (identity if band == "A" else curve)])


def _linear_to_srgb(light: float) -> float:
    """The sRGB value of linear light, both 0 to 1 (IEC 61966-2-1)."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return (profile.profile.profile_description or "").startswith("sRGB")


def _transformed(image: Image.Image, profile: object) -> Image.Image:
    result = ImageCms.profileToProfile(
        image,
        profile,  # type: ignore[arg-type]
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if result is None:
        raise ValueError("the color transform returned no image")
    return result
