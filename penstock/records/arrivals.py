"""Prefixes in which objects have arrived. A burst of notifications is one row, which becomes due once it has ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.records.database import Database
from penstock.records.webhook_tables import ARRIVALS

CLAIM_TIME = timedelta(seconds=30)


class Arrivals:
    """What has arrived by which rule. `quiet_seconds` without another notification end a burst, at the latest
    `longest_seconds` after its first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, rules: Sequence[str], quiet_seconds: float, longest_seconds: float) -> None:
        """Note that something has arrived."""
        quiet, longest = timedelta(seconds=quiet_seconds), timedelta(seconds=longest_seconds)
        rows = [{"rule": rule, "due": func.now() + quiet} for rule in sorted(rules)]
        due = func.least(func.now() + quiet, ARRIVALS.c.since + longest)
        later = {"noted": func.clock_timestamp(), "due": due}
        with self._database.writing_one_statement() as connection:
            connection.execute(upsert(ARRIVALS).values(rows).on_conflict_do_update(index_elements=["rule"], set_=later))

    def claim_due(self) -> list[tuple[str, datetime]]:
        """Claim what is due for 30 s: the rules, and when something last arrived."""
        due = select(ARRIVALS.c.rule).where(ARRIVALS.c.due <= func.now()).with_for_update(skip_locked=True)
        claimed = update(ARRIVALS).where(ARRIVALS.c.rule.in_(due)).values(due=func.now() + CLAIM_TIME)
        with self._database.writing_one_statement() as connection:
            rows = connection.execute(claimed.returning(ARRIVALS.c.rule, ARRIVALS.c.noted))
            return [(row[0], row[1]) for row in rows]

    def remove(self, rule: str, noted: datetime) -> None:
        """Remove what a batch converts, unless something else has arrived since."""
        with self._database.writing_one_statement() as connection:
            connection.execute(delete(ARRIVALS).where(ARRIVALS.c.rule == rule, ARRIVALS.c.noted == noted))

    def postpone(self, rule: str, seconds: float) -> None:
        """Make it due after `seconds`."""
        later = func.now() + timedelta(seconds=seconds)
        with self._database.writing_one_statement() as connection:
            connection.execute(update(ARRIVALS).where(ARRIVALS.c.rule == rule).values(due=later))
