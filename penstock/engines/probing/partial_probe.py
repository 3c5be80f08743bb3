"""The facts of a video or audio of which only parts are here: what its header and its index say. Runs inside a child.

What is missing for that is told, fetched by the parent, and the sketch drawn anew; nothing here waits for bytes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.engines.probing.container import Reading, demuxed, facts
from penstock.engines.probing.limits import filled, within
from penstock.engines.probing.packets import SAMPLED_FRAMES, Tally, origin_of, walk
from penstock.engines.probing.results import Sketched, Stretch

# A stream that has shown no packet after so many bytes is taken to have none.
_PATIENCE_BYTES = 4 * 2**20


def sketch(path: str, container: str, demuxer: str, limits: Limits, here: list[Stretch]) -> Sketched:
    """What planning asks about the file, as far as it can be told of what is `here`. Raises an `InputError` where no
    other part could mend it."""
    drawing = _Drawing(path, demuxer, Path(path).stat().st_size, here)
    try:
        media, _ = facts(Reading(drawing.opened, drawing.tallied, drawing.total), container, limits)
    except errors.MediaError:
        if drawing.missing is None:
            raise
    if drawing.missing is not None:
        return Sketched(None, drawing.missing)
    return Sketched(within(filled(replace(media, duration=media.duration or media.header_duration)), limits))


@dataclass(slots=True)
class Holed:
    """A file with holes, for a demuxer to read: it seems to end where one begins. `missing` is the first that was run
    into."""

    file: int
    total: int
    here: list[Stretch]
    place: int = 0
    missing: int | None = None

    def read(self, length: int) -> bytes:
        end = next((end for start, end in self.here if start <= self.place < end), None)
        if end is None:
            self._miss()
            return b""
        block = os.pread(self.file, min(length, end - self.place), self.place)
        self.place += len(block)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.total}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def _miss(self) -> None:
        if self.missing is None and self.place < self.total:
            self.missing = self.place


@dataclass(slots=True)
class _Drawing:
    """The work on one sketch, and what it turned out to miss."""

    path: str
    demuxer: str
    total: int
    here: list[Stretch]
    missing: int | None = None
    open_files: list[Holed] = field(default_factory=list)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        file = os.open(self.path, os.O_RDONLY)
        holed = Holed(file, self.total, self.here)
        self.open_files.append(holed)
        try:
            with demuxed(holed, self.demuxer) as source:
                yield source
        finally:
            self.open_files.remove(holed)
            os.close(file)
            self.missing = holed.missing if self.missing is None else self.missing

    def tallied(self, source: Any, streams: list[Any]) -> dict[int, Tally]:
        holed = self.open_files[-1]
        if holed.missing is not None:
            raise errors.InputTruncated("The header of the input is not all here.")
        tallies = walk(source, streams)
        if holed.missing is None:
            return tallies
        counted = _completed(source, streams, tallies, self.total)
        if all(tally.packets for tally in counted.values()) or holed.missing > _PATIENCE_BYTES:
            holed.missing = None
        return counted


def _completed(source: Any, streams: list[Any], tallies: dict[int, Tally], total: int) -> dict[int, Tally]:
    """Tallies of what was met, made whole by what the header and the index say of the rest."""
    met = sum(tally.size for tally in tallies.values()) or 1
    lasting = {stream.index: _lasting(tallies[stream.index], source, stream) for stream in streams}
    if source.format.name.startswith("mov"):
        return {stream.index: _by_index(lasting[stream.index], stream) for stream in streams}
    return {stream.index: _by_share(lasting[stream.index], stream, total / met) for stream in streams}


def _lasting(tally: Tally, source: Any, stream: Any) -> Tally:
    """The tally over the stream's whole length, as the header tells it."""
    start = tally.first or 0.0
    if stream.start_time is not None:
        start = stream.start_time * tally.tick - origin_of(source)
    seconds = stream.duration * tally.tick if stream.duration else (source.duration or 0) / 1_000_000 - start
    end = start + max(0.0, seconds)
    return replace(tally, first=start, last=max(tally.last, start), end=max(tally.end, end), ends_openly=False)


def _by_index(tally: Tally, stream: Any) -> Tally:
    """An index knows each packet."""
    entries = stream.index_entries
    if not entries:
        return tally
    return replace(
        tally,
        packets=len(entries),
        size=sum(entry.size for entry in entries),
        starts_with_key=bool(entries[0].is_keyframe),
        moments=[entry.timestamp for entry in islice(entries, SAMPLED_FRAMES)],
    )


def _by_share(tally: Tally, stream: Any, share: float) -> Tally:
    """Without one, the whole file is taken to be `share` times what was met."""
    if not tally.packets:
        return tally
    paced = stream.type == "video" and stream.average_rate
    packets = max(tally.packets, round(tally.seconds * float(stream.average_rate))) if paced else tally.packets
    return replace(tally, packets=packets, size=round(tally.size * share))
