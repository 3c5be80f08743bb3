"""The outbox of Prefect's events. A sender claims events for 30 s; after that another may send them again."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from penstock.domain.webhooks import EndedEvent
from penstock.records.database import Database
from penstock.records.webhook_tables import EVENT_OUTBOX

CLAIM_TIME = timedelta(seconds=30)


class EventOutbox:
    """Ended tasks and batches of all projects that Prefect has not been told of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, limit: int) -> list[EndedEvent]:
        """Claim up to `limit` events, the oldest first."""
        due = select(EVENT_OUTBOX.c.id).where(EVENT_OUTBOX.c.due <= func.now()).order_by(EVENT_OUTBOX.c.due)
        chosen = due.limit(limit).with_for_update(skip_locked=True)
        claimed = update(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_(chosen)).values(due=func.now() + CLAIM_TIME)
        with self._database.writing_one_statement() as connection:
            rows = connection.execute(claimed.returning(EVENT_OUTBOX)).mappings()
            return [EndedEvent(**{name: row[name] for name in EndedEvent.__match_args__}) for row in rows]

    def remove(self, events: Sequence[EndedEvent]) -> None:
        """Remove what Prefect has accepted."""
        with self._database.writing_one_statement() as connection:
            connection.execute(delete(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_([event.id for event in events])))

    def postpone(self, events: Sequence[EndedEvent], seconds: float) -> None:
        """Make events claimable again, after `seconds`."""
        later = update(EVENT_OUTBOX).where(EVENT_OUTBOX.c.id.in_([event.id for event in events]))
        with self._database.writing_one_statement() as connection:
            connection.execute(later.values(due=func.now() + timedelta(seconds=seconds)))

    def delete_older(self, days: float) -> int:
        """Delete events of which Prefect could not be told for so long; returns how many."""
        old = delete(EVENT_OUTBOX).where(EVENT_OUTBOX.c.created < func.now() - timedelta(days=days))
        with self._database.writing_one_statement() as connection:
            return connection.execute(old).rowcount
