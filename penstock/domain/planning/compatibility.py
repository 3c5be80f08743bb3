"""Whether an input can become an output, and which refusals hold before the whole input is known."""

from penstock.domain import errors
from penstock.domain.formats import Kind
from penstock.domain.media import Media
from penstock.domain.planning.matrix import CONTAINERS, OUTPUT_KINDS, Pair, kinds_message, refused_reason
from penstock.domain.request import SourceRequest

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
        raise errors.KindIncompatible(kinds_message(kind, request.kind), field="kind")
    if reason := refused_reason((container, request.format), allowed_pairs):
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
