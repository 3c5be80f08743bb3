"""Which files of a folder are inputs, by their names: nothing is opened for this."""

from mimetypes import MimeTypes
from typing import Literal

from penstock.domain.formats import KINDS, Kind

NOT_MEDIA = "not media by its name"

# Python's own table, not the machine's, so that every machine decides alike; and what it lacks.
_TYPES = MimeTypes()
_MORE: dict[Kind, str] = {
    "video": "mkv m4v mts m2ts wmv asf flv f4v ogv 3gp 3g2 mxf vob divx rm rmvb",
    "audio": "flac opus m4a m4b oga ogg wma ape amr mka aac wv ac3 dts",
    "image": "webp heic heif avif jxl jp2 dng cr2 cr3 nef arw orf rw2 raf",
}
_NOT_MEDIA = (
    "jsonl ndjson md yaml yml log nfo srt vtt ass ssa sub idx lrc cue m3u m3u8 pls xmp aae thm lrv db ini lnk url "
    "part partial crdownload download tmp bak ds_store"
)
_KINDS: dict[str, Kind] = {extension: kind for kind in KINDS for extension in _MORE[kind].split()}
_OTHER = frozenset(_NOT_MEDIA.split())

# By the kind of a file's name and the wanted kind.
_OTHER_KIND: dict[tuple[Kind, Kind], str] = {
    ("video", "image"): "a video by its name; name it with --glob to take a still image of it",
    ("video", "audio"): "a video by its name; name it with --glob to take its sound",
    ("audio", "image"): "audio by its name, which cannot become an image",
    ("audio", "video"): "audio by its name, which cannot become a video",
    ("image", "video"): "an image by its name, which cannot become a video",
    ("image", "audio"): "an image by its name, which cannot become audio",
}


def skip_reason(name: str, wanted: Kind, *, has_glob: bool) -> str | None:
    """Why a file is no input, by its name; None for an input, as is every unknown type.

    With a glob its kind does not matter: what the user names is converted, if it is media at all."""
    kind = kind_by_name(name)
    if kind is None or kind == wanted:
        return None
    if kind == "other":
        return NOT_MEDIA
    return None if has_glob else _OTHER_KIND[(kind, wanted)]


def kind_by_name(name: str) -> Kind | Literal["other"] | None:
    """The kind of a file by its extension; `other` for what is no media, None for an unknown extension."""
    _, dot, extension = name.rpartition("/")[2].lower().rpartition(".")
    if not dot:
        return None
    if extension in _OTHER:
        return "other"
    if extension in _KINDS:
        return _KINDS[extension]
    found, encoding = _TYPES.guess_type(f"x.{extension}")
    if found is None and encoding is None:
        return None
    top = (found or "").partition("/")[0]
    return top if top in KINDS and encoding is None else "other"
