"""What a mistake of ours would let a child do: open a file with whatever a library takes it for."""

import contextlib

import av
import pillow_heif
import pyvips
from PIL import Image

# What each library raises for a file that it cannot read.
_REFUSALS = (av.FFmpegError, pyvips.Error, OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError)
_PROTOCOLS = {"protocol_whitelist": "file,http,tcp,udp,rtp,crypto,data,concat,subfile,async,cache"}


def open_as_anything(path: str) -> None:
    """PyAV, libvips, Pillow and libheif in turn, with no format forced."""
    for library in (_pyav, _libvips, _pillow, _libheif):
        with contextlib.suppress(*_REFUSALS):
            library(path)


def _pyav(path: str) -> None:
    with av.open(path, options=_PROTOCOLS, timeout=2) as container:
        for _ in zip(range(20), container.decode(), strict=False):
            pass


def _libvips(path: str) -> None:
    pyvips.Image.new_from_file(path).avg()


def _pillow(path: str) -> None:
    with Image.open(path) as image:
        image.load()


def _libheif(path: str) -> None:
    pillow_heif.open_heif(path)[0].to_pillow().load()


TABLE = {"open_as_anything": open_as_anything}
