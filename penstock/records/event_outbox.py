"""The outbox of events, for Prefect and for a lineage server. A sender claims events for 30 s; after that another may
send them again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy import column, delete, func, select, table, text, update

from penstock.domain.webhooks import EndedEvent
from penstock.records.database import Database
from penstock.records.webhook_tables import EVENT_OUTBOX

Receiver = Literal["prefect", "lineage"]
CLAIM_TIME = timedelta(seconds=30)
# The triggers for a lineage server, by name, with their tables (migration 0016).
_LINEAGE = {"tasks_lineage": "tasks", "batches_lineage": "batches"}
_PG_TRIGGER = table("pg_trigger", column("tgname"), column("tgenabled"))


class EventOutbox:
    """Ended tasks and batches of all projects that a receiver has not been told of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_lineage(self, *, enabled: bool) -> None:
        """Keep events for a lineage server from now on, or none: then its triggers are off and cost nothing."""
        wanted, word = ("O", "ENABLE") if enabled else ("D", "DISABLE")
        others = select(_PG_TRIGGER.c.tgname).where(
            _PG_TRIGGER.c.tgname.in_(_LINEAGE), _PG_TRIGGER.c.tgenabled != wanted
        )
        with self._database.writing() as connection:
            for trigger in list(connection.execute(others).scalars()):
                connection.execute(text(f"ALTER TABLE {_LINEAGE[trigger]} {word} TRIGGER {trigger}"))

    def claim(self, limit: int, receiver: Receiver = "prefect") -> list[EndedEvent]:
        """Claim up to `limit` events of a receiver, the oldest first."""
        of_receiver = (EVENT_OUTBOX.c.receiver == receiver, EVENT_OUTBOX.c.due <= func.now())
        due = select(EVENT_OUTBOX.c.id).where(*of_receiver).order_by(EVENT_OUTBOX.c.due)
        chosen = due.limit(limit).with_for_update(skip_locked=True)
        claimed = update(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_(chosen)).values(due=func.now() + CLAIM_TIME)
        with self._database.writing_one_statement() as connection:
            rows = connection.execute(claimed.returning(EVENT_OUTBOX)).mappings()
            return [EndedEvent(**{name: row[name] for name in EndedEvent.__match_args__}) for row in rows]

    def remove(self, events: Sequence[EndedEvent]) -> None:
        """Remove what was accepted."""
        with self._database.writing_one_statement() as connection:
            connection.execute(delete(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_([event.id for event in events])))

    def postpone(self, events: Sequence[EndedEvent], seconds: float) -> None:
        """Make events claimable again, after `seconds`."""
        later = update(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_([event.id for event in events]))
        with self._database.writing_one_statement() as connection:
            connection.execute(later.values(due=func.now() + timedelta(seconds=seconds)))

    def delete_older(self, days: float) -> int:
        """Delete events that could not be sent for so long; returns how many."""
        old = delete(EVENT_OUTBOX).where(EVENT_OUTBOX.c.created < func.now() - timedelta(days=days))
        with self._database.writing_one_statement() as connection:
            return connection.execute(old).rowcount
