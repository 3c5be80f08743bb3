"""Folders of pictures, as people have them."""

import os
from pathlib import Path

from PIL import Image

MODIFIED = 1_600_000_000


def picture(path: Path, size: tuple[int, int] = (640, 480), sigma: float = 60) -> Path:
    """A JPEG of noise, so that no two are equal; an old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, sigma).convert("RGB").save(path, "JPEG", quality=90)
    os.utime(path, (MODIFIED, MODIFIED))
    return path


def photo_folder(folder: Path, size: tuple[int, int] = (640, 480)) -> Path:
    """A nested tree with spaces and umlauts, a damaged picture, and a file that is no media."""
    for name in ("2024/Ferien am Meer/Bild 1.jpg", "2024/Müller/größe.jpg", "top.jpg"):
        picture(folder / name, size)
    (folder / "2024" / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8)
    (folder / "notes.txt").write_text("no picture")
    return folder


def tree(folder: Path) -> set[str]:
    """The relative names of the files."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
