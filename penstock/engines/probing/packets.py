"""Every packet of a file, counted once: the only true word on how long its streams are. Runs inside a child."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import av
import av.error

from penstock.engines.probing.bitstreams import SHAPES, Shape

SAMPLED_FRAMES = 20_000
_WRAPPED = 2**31


@dataclass(slots=True)
class Tally:
    """One stream's packets: how many, how large, from when to when (seconds from the container's start). `tick` is
    the stream's unit of time in seconds; fractions would be exact, and take longer than all the reading. `stored` is
    from when to when in the order of storing, in ticks, by which MP4 tells its length. `shape` is what its key packets
    say of their frames' size, `reshaped` that they did not all say the same."""

    tick: float
    tells_shape: Shape | None = None
    packets: int = 0
    size: int = 0
    first: float | None = None
    last: float = 0.0
    end: float = 0.0
    stored: tuple[int, int] | None = None
    ends_openly: bool = False
    starts_with_key: bool = False
    shape: bytes | None = None
    reshaped: bool = False
    moments: list[int] = field(default_factory=list)

    @property
    def start(self) -> float:
        return max(0.0, self.first or 0.0)

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    @property
    def last_ticks(self) -> int:
        """How long the last frame stands, in ticks."""
        return round((self.end - self.last) / self.tick) if self.tick else 0

    @property
    def reach(self) -> float:
        """How far its packets go, by either of its orders."""
        began, ended = self.stored or (0, 0)
        return max(self.end, (ended - began) * self.tick)


def walk(container: Any, streams: list[Any]) -> dict[int, Tally]:
    """The tally of each stream. Damage ends the walk early, as it would end a decoder's."""
    tallies = {stream.index: Tally(float(stream.time_base or 0), _shape_of(stream)) for stream in streams}
    origin = origin_of(container)
    try:
        for packet in container.demux(streams):
            # A damaged file can bring up streams that its header did not tell of.
            if (size := packet.size) and (tally := tallies.get(packet.stream_index)):
                tally.size += size
                _count(tally, packet, origin)
    except av.error.FFmpegError:
        pass
    for stream in streams:
        _close(tallies[stream.index], stream)
    return tallies


def origin_of(container: Any) -> float:
    """Where the first of its streams begins on its own clock, in seconds."""
    return float(container.start_time or 0) / 1_000_000


def breaks_off(candidates: list[Any], tallies: dict[int, Tally], filesize: int) -> bool:
    """Whether a film that shows nothing is one that is cut off, and no sound beside an empty stream of pictures: of
    that the packets of the sound are nearly all."""
    promised = any(stream.type == "video" for stream in candidates)
    return promised and 2 * sum(tally.size for tally in tallies.values()) < filesize


def _shape_of(stream: Any) -> Shape | None:
    return SHAPES.get(str(stream.codec_context.codec.canonical_name))


def _count(tally: Tally, packet: Any, origin: float) -> None:
    if tally.tells_shape and packet.is_keyframe and not tally.reshaped:
        _compare(tally, packet, tally.tells_shape)
    if not tally.packets:
        tally.starts_with_key = packet.is_keyframe
    tally.packets += 1
    moment = packet.pts
    if moment is None:
        moment = packet.dts
    if moment is None or packet.is_discard:
        return
    at, duration = moment * tally.tick - origin, _duration(packet)
    _store(tally, packet.dts, duration)
    if tally.first is None or at < tally.first:
        tally.first = at
    # Only the last one's counts: where frames are reordered, MP4 tells of others how long it is until the next stored.
    if at >= tally.last:
        tally.last, tally.ends_openly, tally.end = at, not duration, at + duration * tally.tick
    if len(tally.moments) < SAMPLED_FRAMES:
        tally.moments.append(moment)


def _store(tally: Tally, moment: int | None, duration: int) -> None:
    if moment is not None:
        tally.stored = (tally.stored[0] if tally.stored else moment, moment + duration)


def _compare(tally: Tally, packet: Any, tells_shape: Shape) -> None:
    """What is not told again has not changed. A container with several headers says itself when the next one begins."""
    told = tells_shape(memoryview(packet))
    tally.reshaped = packet.has_sidedata("new_extradata") or (None not in (told, tally.shape) and told != tally.shape)
    tally.shape = told or tally.shape


def _duration(packet: Any) -> int:
    """Ogg's last packet may have a negative one, which comes through as a huge one."""
    duration: int = packet.duration or 0
    return duration if duration < _WRAPPED else 0


def _close(tally: Tally, stream: Any) -> None:
    """A last packet without a duration lasts as long as the ones before it did."""
    step = float(1 / (stream.guessed_rate or 25)) if stream.type == "video" else 0.0
    if tally.packets > 1:
        step = (tally.last - tally.start) / (tally.packets - 1)
    if tally.ends_openly:
        tally.end = max(tally.end, tally.last + step)


def varies(moments: Iterable[int], last: int = 0) -> bool:
    """Whether frames come at uneven times, in ticks: more than one step in twenty is off the usual one by a tenth, or a
    few are so long that together they make up a twentieth of all. `last` is how long the last frame stands."""
    steps = _steps(moments)
    if len(steps) < 2:
        return False
    usual = _middle(steps)
    uneven = sum(abs(step - usual) > max(1, usual * 0.1) for step in steps)
    # Clocks of few ticks a frame round them up and down.
    standing = sum(max(0, step - usual - 1) for step in (*steps, last))
    return max(uneven * usual, standing) * 20 > usual * len(steps)


def usual_step(moments: Iterable[int]) -> int | None:
    """From one frame to the next, as most of them follow each other; None where there are not two."""
    steps = _steps(moments)
    return _middle(steps) if steps else None


def _steps(moments: Iterable[int]) -> list[int]:
    return sorted(after - before for before, after in pairwise(sorted(set(moments))))


def _middle(steps: Sequence[int]) -> int:
    return steps[len(steps) // 2]
