"""The counters of all processes as one, and what the tables say at the moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Double, Select, String, Table, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert

from penstock.metrics.counts import Key
from penstock.records.database import Database
from penstock.records.tables import METADATA, OUTBOX, TASKS
from penstock.records.webhook_tables import DELIVERIES, EVENT_OUTBOX

# The sums of what all processes count (docs/operations.md).
COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String, primary_key=True),
    Column("label", String, primary_key=True),
    Column("value", Double, nullable=False),
)

# Longer than a transaction that ends tasks takes: rows carry the time at which it began.
SETTLED = timedelta(seconds=10)
# Until when ended tasks are counted, in seconds since 1970.
ENDED_UNTIL = "ended_until"

_KEY = ("name", "label")
_UNFINISHED = TASKS.c.status == "processing"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('penstock count_ended'))")
_SETTLED_UNTIL = select(func.extract("epoch", func.now() - SETTLED))
_COUNTED_UNTIL = select(COUNTERS.c.value).where(COUNTERS.c.name == ENDED_UNTIL, COUNTERS.c.label == "")


@dataclass(frozen=True, slots=True)
class Gauges:
    """`unfinished`: tasks by state. The ages are those of what waits longest, in seconds; 0 where nothing waits."""

    unfinished: Mapping[str, int]
    queue_age: float
    outbox_age: float
    event_age: float
    delivery_age: float


class Metrics:
    """Counters only grow, also over restarts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, counted: Mapping[Key, float]) -> None:
        """Add what a process has counted."""
        if not counted:
            return
        # In one order, so that two processes never wait for each other.
        rows = [{"name": name, "label": label, "value": value} for (name, label), value in sorted(counted.items())]
        with self._database.writing() as connection:
            _add(connection, rows)

    def set(self, name: str, value: float) -> None:
        """Note what is so at the moment, for all processes."""
        now = insert(COUNTERS).values(name=name, label="", value=value)
        changed = now.on_conflict_do_update(index_elements=_KEY, set_={"value": value}, where=COUNTERS.c.value != value)
        with self._database.writing_one_statement() as connection:
            connection.execute(changed)

    def count_ended(self) -> None:
        """Add the tasks that have ended since this was called last, by any process; the first call begins to count."""
        with self._database.writing() as connection:
            connection.execute(_ONE_AT_A_TIME)
            until = connection.execute(_SETTLED_UNTIL).scalar_one()
            since = connection.execute(_COUNTED_UNTIL).scalar_one_or_none()
            if since is not None:
                _add(connection, [dict(row) for row in connection.execute(_ended(since, until)).mappings()])
            own = insert(COUNTERS).values(name=ENDED_UNTIL, label="", value=until)
            connection.execute(own.on_conflict_do_update(index_elements=_KEY, set_={"value": own.excluded.value}))

    def counters(self) -> dict[tuple[str, str], float]:
        """All counters: their sums over all processes, by name and label."""
        query = select(COUNTERS.c.name, COUNTERS.c.label, COUNTERS.c.value).where(COUNTERS.c.name != ENDED_UNTIL)
        with self._database.reading() as connection:
            return {(name, label): value for name, label, value in connection.execute(query)}

    def gauges(self) -> Gauges:
        """What waits and runs at the moment."""
        by_state = select(TASKS.c.state, func.count()).where(_UNFINISHED).group_by(TASKS.c.state)
        with self._database.reading() as connection:
            return Gauges(
                unfinished={row.state: row[1] for row in connection.execute(by_state)},
                queue_age=_oldest(connection, TASKS.c.updated, _UNFINISHED, TASKS.c.state == "queued"),
                outbox_age=_oldest(connection, OUTBOX.c.due),
                event_age=_oldest(connection, EVENT_OUTBOX.c.created),
                delivery_age=_oldest(connection, DELIVERIES.c.due, DELIVERIES.c.status == "pending"),
            )


def _ended(since: float, until: float) -> Select[Any]:
    """The tasks that ended in between (seconds since 1970), counted by code: `completed`, or that of the error."""
    code = func.coalesce(TASKS.c.error["code"].astext, TASKS.c.status).label("label")
    ended = TASKS.c.updated.op(">")(func.to_timestamp(since)) & (TASKS.c.updated <= func.to_timestamp(until))
    counted = select(literal("ended").label("name"), code, func.count().label("value"))
    return counted.where(TASKS.c.status != "processing", ended).group_by(code).order_by(code)


def _add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        added = insert(COUNTERS).values(rows)
        total = {"value": COUNTERS.c.value + added.excluded.value}
        connection.execute(added.on_conflict_do_update(index_elements=_KEY, set_=total))


def _oldest(connection: Connection, since: ColumnElement[Any], *where: ColumnElement[bool]) -> float:
    """How long the oldest of these rows waits, in seconds."""
    age = func.extract("epoch", func.now() - func.min(since))
    return max(0.0, float(connection.execute(select(func.coalesce(age, 0)).where(*where)).scalar_one()))
