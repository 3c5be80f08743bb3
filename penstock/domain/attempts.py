"""Attempts of tasks between the records and those who run them: waiting, submitted, lost, holding an encoder slot."""

from dataclasses import dataclass
from typing import Literal

from penstock.domain.ids import TaskId

# The name of Prefect's global concurrency limit for video and audio encoders.
SLOT_LIMIT = "transcode"
# Recorded in place of a lease id while an attempt asks Prefect for a slot.
SLOT_REQUESTED = "asking"
# Recorded while an attempt waits for its turn, or for an equal conversion: it holds nothing and does nothing.
SLOT_WAITING = "waiting"

HealthStatus = Literal["ok", "degraded"]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An attempt that has no flow run yet. `tries` counts how often a dispatcher has claimed it."""

    task_id: TaskId
    attempt: int
    tries: int


@dataclass(frozen=True, slots=True)
class SubmittedAttempt:
    """An unfinished attempt that has a flow run. `begun`: the run has started and sent a heartbeat."""

    task_id: TaskId
    attempt: int
    run_id: str
    begun: bool


@dataclass(frozen=True, slots=True)
class Losses:
    """How many attempts of a task were lost with their workers, and in which state, if it was the same each time."""

    count: int
    state: str | None


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt whose heartbeats have stopped."""

    task_id: TaskId
    attempt: int
    run_id: str | None


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """The encoder slot of an unfinished attempt: `slot` is Prefect's lease id, or `SLOT_REQUESTED`."""

    task_id: TaskId
    attempt: int
    owner: str
    slot: str


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many tasks may be unfinished, for one project and in all."""

    per_project: int = 10_000
    total: int = 100_000


@dataclass(frozen=True, slots=True)
class RunsHealth:
    """`prefect`: whether flow runs can be created. `workers`: whether a worker is there to start them at once."""

    prefect: HealthStatus
    workers: HealthStatus
