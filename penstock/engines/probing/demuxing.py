"""Open a container with PyAV, seek in it, and decode its first frame. Runs in a child process."""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import av
import av.error
import av.subtitles.stream  # every container loads it when it is opened: once, not in each child

from penstock.domain import errors
from penstock.engines.probing import decoders

_MAX_TRIED_PACKETS = 300
# All packets of Musepack 8 but the last hold equally many samples. To decode an hour of it takes 9 s.
_ONLY_LAST_PACKET_VARIES = frozenset(("mpc8",))


def open_file(path: str, demuxer: str) -> AbstractContextManager[Any]:
    """Open a local file with a forced demuxer. Raises as `open_container` does."""
    return open_container(f"file:{path}", demuxer)


@contextmanager
def open_container(file: Any, demuxer: str) -> Iterator[Any]:
    """Open a URL or a file object with a forced demuxer. No other file, format or decoder can be reached from it.

    Raises `InputUnreadable` for every error of libav, also for those of the `with` block."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "codec_whitelist": decoders.whitelist(),
        "probesize": "10000000",
        "analyzeduration": "10000000",
    }
    try:
        with av.open(file, format=demuxer, options=options, metadata_errors="ignore") as container:
            yield container
    except (av.error.FFmpegError, UnicodeError) as error:
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=str(error)) from error


def seek(container: Any, seconds: float) -> bool:
    """Seek to the last key frame at or before `seconds`. False if that is impossible, as in some very short files."""
    try:
        container.seek(round(seconds * 1_000_000) + (container.start_time or 0), backward=True)
    except av.error.FFmpegError:
        return False
    return True


def first_frame(container: Any, index: int) -> Any:
    """The first frame that can be decoded. Raises `InputUnreadable` if none of the first 300 packets gives one."""
    for count, packet in enumerate(container.demux([container.streams[index]])):
        try:
            for frame in packet.decode():
                return frame
        except av.error.FFmpegError:
            continue
        if count > _MAX_TRIED_PACKETS:
            break
    raise errors.InputUnreadable("No frame of the input can be decoded.")


def decoded_seconds(path: str, demuxer: str, index: int) -> float:
    """How long the audio of a stream lasts, by decoding it. Ends early at damage, as a decoder would."""
    seconds = 0.0
    with suppress(errors.InputUnreadable), open_file(path, demuxer) as container:
        packets = container.demux([container.streams[index]])
        if demuxer in _ONLY_LAST_PACKET_VARIES:
            packets = deque((packet for packet in packets if packet.size), maxlen=1)
            seconds = sum(float((packet.pts or 0) * packet.time_base) for packet in packets)
        for packet in packets:
            with suppress(av.error.FFmpegError):
                seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
    return seconds


def has_alpha_tag(metadata: dict[str, str]) -> bool:
    """Whether `alpha_mode=1` is set: WebM stores transparency beside an opaque picture, and says so by this tag."""
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in metadata.items())
