"""The clock of the Prefect server, by which runs are scheduled. Clocks of hosts are wrong by days now and then.

A worker with a clock that was two days ahead claimed scheduled runs of the next two days, which the server then let
wait, each in a place of the worker; one that was two days behind found no runs at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A response's date has no fractions of a second, and the response takes a while.
TOLERATED = timedelta(seconds=5)


@dataclass
class ServerClock:
    """`ahead`: by how much this host's clock is ahead of the server's; 0 where the difference is tolerated."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The time by the server's clock."""
        return datetime.now(UTC) - self.ahead

    def adjust(self, headers: Mapping[str, str]) -> bool:
        """Take the date of a response of the server that has just come; returns whether the clock was wrong."""
        try:
            ahead = datetime.now(UTC) - parsedate_to_datetime(headers.get("date", ""))
        except (ValueError, TypeError):  # without a date, or without a time zone
            return False
        # A response that took 5.1 s looks like a clock that is ahead: the next one must undo all of that. Compared with
        # the adjusted clock alone it was tolerated, and each picture waited 5 to 9 s for as long as the worker lived.
        if abs(ahead) <= TOLERATED:
            ahead = timedelta(0)
        was_wrong = abs(ahead - self.ahead) > TOLERATED
        if was_wrong or not ahead:
            self.ahead = ahead
        return was_wrong
