"""Which inputs can become which outputs: by kind, by container, and the refused pairs."""

from dataclasses import dataclass
from typing import Any

from penstock.domain import errors
from penstock.domain.formats import FORMATS, KINDS, Format, Kind
from penstock.domain.media import Media
from penstock.domain.request import SourceRequest

Pair = tuple[str, str]

OUTPUT_KINDS: dict[Kind, tuple[Kind, ...]] = {
    "video": ("video", "audio", "image"),
    "audio": ("audio",),
    "image": ("image",),
}

REFUSED_PAIRS: dict[Pair, str] = {
    ("mov", "mp3"): "A .mov file cannot be converted to mp3; choose wav, ogg or flac.",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container that we read, and the kinds that a probe may find in it, the usual one first."""

    label: str
    kinds: tuple[Kind, ...]


CONTAINERS: dict[str, Container] = {
    "mp4": Container("MP4", ("video", "audio")),
    "mov": Container("QuickTime", ("video", "audio")),
    "m4a": Container("MPEG-4 audio", ("audio", "video")),
    "3gp": Container("3GPP", ("video", "audio")),
    "webm": Container("WebM", ("video", "audio")),
    "matroska": Container("Matroska", ("video", "audio")),
    "avi": Container("AVI", ("video", "audio")),
    "flv": Container("Flash video", ("video", "audio")),
    "mpeg": Container("MPEG program stream", ("video", "audio")),
    "mpegts": Container("MPEG transport stream", ("video", "audio")),
    "asf": Container("Windows Media", ("video", "audio")),
    "ogg": Container("Ogg", ("video", "audio")),
    "mp3": Container("MP3", ("audio",)),
    "wav": Container("WAV", ("audio",)),
    "flac": Container("FLAC", ("audio",)),
    "aiff": Container("AIFF", ("audio",)),
    "aac": Container("AAC (ADTS)", ("audio",)),
    "ac3": Container("AC-3", ("audio",)),
    "amr": Container("AMR", ("audio",)),
    "ape": Container("Monkey's Audio", ("audio",)),
    "wavpack": Container("WavPack", ("audio",)),
    "jpeg": Container("JPEG", ("image",)),
    "png": Container("PNG and APNG", ("image",)),
    "gif": Container("GIF", ("image",)),
    "webp": Container("WebP", ("image",)),
    "tiff": Container("TIFF", ("image",)),
    "bmp": Container("BMP", ("image",)),
    "ico": Container("Icon", ("image",)),
    "jpeg2000": Container("JPEG 2000", ("image",)),
    "avif": Container("AVIF", ("image",)),
    "heif": Container("HEIF", ("image",)),
}


# Containers whose header lists every stream and the duration; of the others the start of a file is not enough.
INDEXED_CONTAINERS = frozenset(("mov", "mp4", "matroska", "avi", "wav", "flac", "asf"))
# Containers with an index of every packet; in the others frames are estimated from the header's frame rate.
COUNTED_CONTAINERS = frozenset(("mov", "mp4"))


def require_possible(request: SourceRequest, media: Media, allowed_pairs: frozenset[Pair] = frozenset()) -> None:
    """Raises `KindIncompatible`, `FormatIncompatible` or `NoAudioStream` if the input cannot become the output."""
    require_pair(request, media.kind, media.container, allowed_pairs)
    if request.kind == "audio" and media.audio is None:
        raise errors.NoAudioStream("The input has no audio stream, so it cannot become audio.")


def require_pair(
    request: SourceRequest, kind: Kind, container: str, allowed_pairs: frozenset[Pair] = frozenset()
) -> None:
    """The part of `require_possible` that needs only the input's kind and container. Raises as it does."""
    if request.kind not in OUTPUT_KINDS[kind]:
        raise errors.KindIncompatible(_kinds_message(kind, request.kind), field="kind")
    if reason := _refused_reason((container, request.format), allowed_pairs):
        raise errors.FormatIncompatible(reason, field="format")


def is_final(error: errors.MediaError, container: str) -> bool:
    """Whether an error found in the start of a file holds for the whole file."""
    if isinstance(error, errors.KindIncompatible):
        return len(CONTAINERS[container].kinds) == 1
    return isinstance(error, errors.UpscaleNotAllowed | errors.FormatIncompatible)


def is_final_by_index(error: errors.MediaError, request: SourceRequest, container: str, media: Media | None) -> bool:
    """Whether an error found in a file's header and index holds for the whole file. `media` are their facts, None if
    probing them raised the error. Without an index of every packet, errors about frame counts and rates do not hold."""
    match error:
        case errors.InputLimitsExceeded():
            return container in COUNTED_CONTAINERS and (media is None or _has_whole_duration(media))
        case errors.FieldInvalid() if media is not None:
            return _has_whole_duration(media) and (
                container in COUNTED_CONTAINERS or _begins_after(request, media.duration)
            )
        case _:
            return True


def _begins_after(request: SourceRequest, seconds: float | None) -> bool:
    at = 0.0 if request.at == "auto" else request.at
    return seconds is not None and max(request.start or 0.0, at) > seconds


def _has_whole_duration(media: Media) -> bool:
    """Whether the duration is the whole file's: the header states it, and an index covers most of its bytes (the index
    of a fragmented file covers only the fragments that were read)."""
    if media.header_duration is None:
        return False
    streams = (media.video, media.audio)
    indexed = sum((stream.bitrate or 0) * (stream.duration or 0) / 8 for stream in streams if stream)
    return media.container not in COUNTED_CONTAINERS or indexed > media.filesize / 2


def conversion_matrix(allowed_pairs: frozenset[Pair] = frozenset()) -> list[dict[str, Any]]:
    """The JSON of `GET /formats`: for each container the kinds it can hold, and which formats each can become."""
    return [
        {
            "container": name,
            "label": container.label,
            "inputs": [
                {"kind": kind, "outputs": [_matrix_cell(kind, name, output, allowed_pairs) for output in FORMATS]}
                for kind in KINDS
                if kind in container.kinds
            ],
        }
        for name, container in CONTAINERS.items()
    ]


def _matrix_cell(kind: Kind, container: str, output: Format, allowed_pairs: frozenset[Pair]) -> dict[str, Any]:
    target = FORMATS[output].kind
    wrong_kind = None if target in OUTPUT_KINDS[kind] else _kinds_message(kind, target)
    reason = wrong_kind or _refused_reason((container, output), allowed_pairs)
    return {"kind": target, "format": output, "allowed": reason is None, "reason": reason}


def _refused_reason(pair: Pair, allowed_pairs: frozenset[Pair]) -> str | None:
    return None if pair in allowed_pairs else REFUSED_PAIRS.get(pair)


def _kinds_message(kind: Kind, target: Kind) -> str:
    return f"{_SUBJECTS[kind]} cannot become {_OBJECTS[target]}."


_SUBJECTS: dict[Kind, str] = {"video": "A video", "audio": "Audio", "image": "An image"}
_OBJECTS: dict[Kind, str] = {"video": "a video", "audio": "audio", "image": "an image"}
