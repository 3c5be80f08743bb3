"""Encoder slots that Prefect counts and nobody holds, given back.

A Prefect server that keeps its leases in memory forgets them when it dies, and counts their slots for ever; ours keeps
them on disk, and can still die between a count and its lease. The records know every holder: whoever asks for a slot
is noted before it asks, and until its slot is given back.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.domain.attempts import SLOT_LIMIT
from penstock.orchestration.flow_runs import FlowRuns
from penstock.records import Records

log = logging.getLogger(__name__)

LOOKS = 3
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Leak:
    """So many slots had no holder at every look since a moment of the monotonic clock."""

    slots: int
    since: float


@dataclass
class LeakedSlots:
    """Gives slots back that had no holder for `seconds`, at every look: a slot that was taken or given back between
    two reads looks like one for a moment."""

    records: Records
    runs: FlowRuns
    seconds: float
    look_seconds: float = LOOK_SECONDS
    clock: Callable[[], float] = time.monotonic
    leak: Leak | None = field(default=None)

    async def free(self) -> int:
        """Check once; returns how many slots were freed. Raises `PrefectUnavailable`, `DatabaseUnavailable`."""
        began = self.clock()
        slots = await self._without_holder()
        for _ in range(LOOKS - 1 if slots else 0):
            await asyncio.sleep(self.look_seconds)
            slots = min(slots, await self._without_holder())
        self.leak = _seen(self.leak, slots, began)
        if self.leak is None or self.clock() - self.leak.since < self.seconds:
            return 0
        log.warning("%d slots of %s had no live run behind them and are free again", self.leak.slots, SLOT_LIMIT)
        freed, self.leak = self.leak.slots, None
        await self.runs.free_slots(SLOT_LIMIT, freed, self.seconds)
        return freed

    async def _without_holder(self) -> int:
        counted = await self.runs.active_slots(SLOT_LIMIT)
        return max(0, counted - len(await asyncio.to_thread(self.records.tasks.held_slots)))


def _seen(before: Leak | None, slots: int, now: float) -> Leak | None:
    if not slots:
        return None
    return Leak(min(before.slots, slots), before.since) if before else Leak(slots, now)
