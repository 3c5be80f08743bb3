"""What the records hand to those who run tasks: submissions, runs and who lost them; and to the API, its callers."""

from dataclasses import dataclass, field
from typing import Literal

from penstock.domain.formats import Format, Kind
from penstock.domain.ids import KeyId, OrgId, ProjectId, TaskId
from penstock.domain.task import File


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An attempt that has no run yet. `tries` counts how often somebody took it up."""

    task_id: TaskId
    attempt: int
    kind: Kind
    format: Format
    tries: int


@dataclass(frozen=True, slots=True)
class SubmittedAttempt:
    """An attempt that was submitted and has not ended; `begun` when its run has taken it."""

    task_id: TaskId
    attempt: int
    run_id: str
    begun: bool


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """A begun attempt that nobody beats for. `losses` counts those of this request before it."""

    task_id: TaskId
    attempt: int
    run_id: str | None
    losses: int
    cancelling: bool


# The name of the limit on encoders, and what is noted of an attempt that asks for one of its slots at this moment.
SLOT_LIMIT = "transcode"
SLOT_REQUESTED = "asking"


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """An encoder slot that a live attempt holds or asks for: `slot` is Prefect's lease, or `SLOT_REQUESTED`."""

    task_id: TaskId
    attempt: int
    owner: str
    slot: str


HealthStatus = Literal["ok", "degraded"]


@dataclass(frozen=True, slots=True)
class RunsHealth:
    """Whether runs can be made, and whether a worker is there that begins them at once."""

    prefect: HealthStatus
    workers: HealthStatus


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a key speaks for. Of `secret` the keys that sign for the project are made (`purposes`)."""

    key_id: KeyId
    project_id: ProjectId
    org_id: OrgId
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown; the token itself is kept nowhere. Times are ISO-8601."""

    id: KeyId
    project_id: ProjectId
    created: str
    revoked: str | None
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file, and the secrets of its project whose links hold: the present one, and for a while the one before."""

    file: File
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many unfinished tasks are taken."""

    per_project: int = 10_000
    total: int = 100_000
