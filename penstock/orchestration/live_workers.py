"""Which workers have joined and are alive, by what changes while we look: no two hosts' clocks are compared."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SILENT_SECONDS = 30.0  # three heartbeats


@dataclass
class JoinedWorkers:
    """Prefect calls a worker online for half a minute after it died, so those that were there at the first look count
    once they have beaten again. A name that comes later is a worker that has just joined."""

    clock: Callable[[], float] = time.monotonic
    beats: dict[str, str] | None = None
    alive_at: dict[str, float] = field(default_factory=dict)

    def see(self, beats: Mapping[str, str]) -> None:
        """The workers that are online by now, each with its last heartbeat."""
        if self.beats is not None:
            now, before = self.clock(), self.beats
            self.alive_at |= {name: now for name, beat in beats.items() if before.get(name) != beat}
        self.alive_at = {name: at for name, at in self.alive_at.items() if name in beats}
        self.beats = dict(beats)

    def anybody(self) -> bool:
        """Whether a worker has joined and was heard of lately."""
        return any(self.clock() - at < SILENT_SECONDS for at in self.alive_at.values())
