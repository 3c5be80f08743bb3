"""Frees encoder slots that Prefect counts as taken and no run holds.

A Prefect server that keeps its leases in memory loses them when it dies, and counts their slots as taken for ever. Ours
keeps them on disk, but can still die between counting a slot and storing its lease. The records know every holder: a
run is noted before it requests a slot, and until it has released it.
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

CHECKS = 3
CHECK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Leak:
    """So many slots had no holder in every check since `since` (monotonic clock)."""

    slots: int
    since: float


@dataclass
class LeakedSlots:
    """Frees slots that had no holder for `seconds`, in every check: a slot that is taken or released between the two
    reads of a check looks like a leak in that one."""

    records: Records
    runs: FlowRuns
    seconds: float
    check_seconds: float = CHECK_SECONDS
    clock: Callable[[], float] = time.monotonic
    leak: Leak | None = field(default=None)

    async def free(self) -> int:
        """Check once; returns how many slots were freed. Raises `PrefectUnavailable`, `DatabaseUnavailable`."""
        started = self.clock()
        slots = await self._count_without_holder()
        for _ in range(CHECKS - 1 if slots else 0):
            await asyncio.sleep(self.check_seconds)
            slots = min(slots, await self._count_without_holder())
        self.leak = _updated(self.leak, slots, started)
        await asyncio.to_thread(self.records.metrics.set, "slots_without_run", slots)
        if self.leak is None or self.clock() - self.leak.since < self.seconds:
            return 0
        log.warning("freeing %d slots of %s that no run holds", self.leak.slots, SLOT_LIMIT)
        freed, self.leak = self.leak.slots, None
        await self.runs.free_slots(SLOT_LIMIT, freed, self.seconds)
        return freed

    async def _count_without_holder(self) -> int:
        taken = await self.runs.active_slots(SLOT_LIMIT)
        return max(0, taken - await asyncio.to_thread(self._count_held))

    def _count_held(self) -> int:
        return len(self.records.tasks.held_slots()) + len(self.records.chunks.held_slots())


def _updated(leak: Leak | None, slots: int, now: float) -> Leak | None:
    if not slots:
        return None
    return Leak(min(leak.slots, slots), leak.since) if leak else Leak(slots, now)
