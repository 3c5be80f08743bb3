"""SSIMULACRA2 of the middle of an output against the input, decoded whole and scaled."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageCms

_MIDDLE = (700, 500)


def quality(source: Path, output: Path, scratch: Path) -> float | None:
    """The score, 100 for equal images; None if the package `ssimulacra2` is not available."""
    if not shutil.which("uvx"):
        return None
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(output) as made, Image.open(source) as original:
        _middle(_srgb(original).resize(made.size, Image.Resampling.LANCZOS)).save(scratch / "wanted.png")
        _middle(made.convert("RGB")).save(scratch / "got.png")
    scorer = ["uvx", "--python", sys.executable, "--from", "ssimulacra2", "ssymulacra2"]
    text = subprocess.run([*scorer, "wanted.png", "got.png"], cwd=scratch, check=False, capture_output=True, text=True)
    return float(text.stdout) if text.returncode == 0 else None


def _srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    plain = picture.convert("RGB")
    if not profile:
        return plain
    found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb, candidates = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.profileToProfile(plain, found, srgb, renderingIntent=candidates) or plain


def _middle(picture: Image.Image) -> Image.Image:
    width, height = (min(had, most) for had, most in zip(picture.size, _MIDDLE, strict=True))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
