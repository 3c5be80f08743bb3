"""Where the output of a Task is saved."""

import hashlib
from os import PathLike, fspath
from pathlib import Path


def place_of(to: str | PathLike[str], name: str) -> Path:
    """The path, or in a folder the name there. A folder that is written with `/` at its end is made."""
    place = Path(to)
    if fspath(to).endswith("/"):
        place.mkdir(parents=True, exist_ok=True)
    return place / Path(name).name if place.is_dir() else place


def has_content(path: Path, sha256: str) -> bool:
    """Whether there is a file of these bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
