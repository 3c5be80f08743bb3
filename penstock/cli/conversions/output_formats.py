"""Which output format an extension or a name means, and which one to use instead of those that we cannot write."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from penstock.domain.formats import FORMATS, SYNONYMS, Format, Kind
from penstock.domain.planning.matrix import CONTAINERS

Command = TypeVar("Command", bound=Callable[..., Any])

NAMES: tuple[str, ...] = (*FORMATS, *SYNONYMS)
_INSTEAD_BY_KIND: dict[Kind, tuple[Format, ...]] = {
    "video": ("mp4", "avi"),
    "audio": ("wav", "mp3"),
    "image": ("png", "webp"),
}
# The extension, and what to use instead, the nearest first; for other containers by the kind of their files.
INSTEAD: dict[str, tuple[Format, ...]] = {
    **{name: _INSTEAD_BY_KIND[read.kinds[0]] for name, read in CONTAINERS.items() if name not in NAMES},
    **dict.fromkeys(("m4a", "m4b", "aac"), ("mp3", "ogg", "flac")),
    **dict.fromkeys(("opus", "oga", "wma", "ac3", "amr"), ("ogg", "mp3")),
    **dict.fromkeys(("mp1", "mp2", "eac3", "latm"), ("mp3", "ogg")),
    **dict.fromkeys(("mlp", "thd", "alac", "ape", "wv", "tta", "dts"), ("flac", "wav")),
    **dict.fromkeys(("aif", "aiff", "caf", "au", "w64", "voc"), ("wav", "flac")),
    **dict.fromkeys(("mkv", "m4v", "3gp", "3g2", "mpg", "mpeg", "ts", "m2ts", "mts", "vob"), ("mp4", "webm")),
    **dict.fromkeys(("wmv", "flv", "f4v", "asf", "mxf", "gxf", "wtv", "rm", "nut", "ivf", "y4m"), ("mp4", "avi")),
    **dict.fromkeys(("h264", "h265", "hevc", "m1v", "m2v", "vc1", "obu", "apv", "dv"), ("mp4", "mov")),
    **dict.fromkeys(("ogv", "ogm"), ("webm", "mp4")),
    **dict.fromkeys(("tif", "tiff", "bmp", "ico", "icns", "tga", "psd", "jp2"), ("png", "webp")),
    **dict.fromkeys(("ppm", "pgm", "pbm", "pnm", "pcx", "dds", "sgi", "qoi", "pfm", "hdr", "exr"), ("png", "webp")),
    **dict.fromkeys(
        ("phm", "ras", "xbm", "xpm", "xwd", "pam", "pgx", "pcd", "pict", "pct", "pic", "img", "vbn"), ("png", "webp")
    ),
    **dict.fromkeys(("cri", "jls", "dpx", "iff", "ilbm", "lbm", "fits", "fit", "pix", "txd", "msp"), ("png", "webp")),
    **dict.fromkeys(("heic", "heif", "avif", "jxl"), ("webp", "jpeg")),
    **dict.fromkeys(("dng", "cr2", "cr3", "nef", "arw"), ("jpeg", "webp")),
    **dict.fromkeys(("jpe", "jfif", "jfi"), ("jpeg",)),
    "apng": ("webp", "gif"),
}


def format_option(name: str, variable: str, text: str) -> Callable[[Command], Command]:
    """An option that takes the name of an output format. Another name is refused with what to use instead."""

    def checked(_context: click.Context, option: click.Parameter, given: str | None) -> str | None:
        if given is None or given in NAMES:
            return given
        raise click.BadParameter(hint_for(given.lower()) or f"choose one of {', '.join(FORMATS)}.", param=option)

    return click.option(name, variable, metavar=f"[{'|'.join(NAMES)}]", callback=checked, help=text)


def format_named(name: str) -> Format:
    """The format of a name or extension, without its dot. Raises `click.UsageError` with what to use instead."""
    known = next((known for known in FORMATS if known == name), SYNONYMS.get(name))
    if known is None:
        raise click.UsageError(
            hint_for(name) or f"OUTPUT has no known extension: use .{', .'.join(FORMATS)}, or give --format."
        )
    return known


def hint_for(name: str) -> str | None:
    """`m4a is not an output format; use mp3, ogg or flac.` None for a name that is in no table."""
    instead = INSTEAD.get(name)
    if instead is None:
        return None
    *others, last = instead
    return f"{name} is not an output format; use {', '.join(others)}{' or ' if others else ''}{last}."
