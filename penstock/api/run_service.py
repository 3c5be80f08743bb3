"""What the API asks of whoever runs the tasks. It knows no Prefect, only this."""

from typing import Protocol

from penstock.domain.attempts import RunsHealth


class RunService(Protocol):
    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop."""

    async def end_unstarted(self, run_id: str) -> None:
        """End a run that has not begun, and is not to."""

    def url(self, run_id: str) -> str:
        """A run's page for people."""

    async def health(self) -> RunsHealth:
        """Whether runs can be made and would begin at once."""
