"""Probes inputs of every origin, reading no more of them than that needs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from penstock import engines
from penstock.conversion.local_probe import Probed, within_limits
from penstock.domain import errors
from penstock.host.scratch import scratch_folder
from penstock.sandbox.supervise import Exit
from penstock.settings import Settings
from penstock.storage.http_source import FetchPolicy
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.locations.location import Location
from penstock.storage.object_store import ObjectStore
from penstock.storage.partial_download import (
    PartialFile,
    partial_file_of_location,
    partial_file_of_object,
    partial_file_of_url,
)


@dataclass(frozen=True, slots=True)
class InputProber:
    """Probes inputs of every origin, within `max_bytes` and the time of `policy`."""

    tools: engines.Tools
    policy: FetchPolicy
    scratch: Path
    max_bytes: int

    @classmethod
    def from_settings(cls, settings: Settings, tools: engines.Tools, policy: FetchPolicy) -> "InputProber":
        bounded = replace(policy, total_seconds=min(policy.total_seconds, settings.plan_seconds))
        return cls(tools, bounded, settings.scratch, settings.max_plan_bytes)

    def probe_url(self, url: str) -> Probed:
        """Raises the errors of a download, and `InputLimitsExceeded` where more than `max_bytes` would have to be
        read."""
        with self._scratch_path() as path, partial_file_of_url(url, path, self.policy, self.max_bytes) as partial_file:
            return self._probe(partial_file)

    def probe_object(self, objects: ObjectStore, key: str) -> Probed:
        """A stored file. Raises the same."""
        with self._scratch_path() as path, partial_file_of_object(objects, key, path, self.max_bytes) as partial_file:
            return self._probe(partial_file)

    def probe_location(self, location: Location, name: str, is_stopped: IsStopped = never_stopped) -> Probed:
        """A file in a folder or prefix. Raises the same, and what `Location.fetch` raises of the input."""
        with (
            self._scratch_path() as path,
            partial_file_of_location(location, name, path, self.max_bytes, is_stopped) as partial_file,
        ):
            return self._probe(partial_file, is_stopped)

    def _probe(self, partial_file: PartialFile, is_stopped: IsStopped = never_stopped) -> Probed:
        with watch_with_deadline(self.policy.total_seconds, is_stopped) as watch:
            media = engines.probe_remote(partial_file, self.tools, watch)
            return within_limits(Probed(media, partial_file.received), self.tools.limits)

    @contextmanager
    def _scratch_path(self) -> Iterator[Path]:
        with scratch_folder(self.scratch, "plan") as folder:
            yield folder / "input"


@dataclass(frozen=True, slots=True)
class _DeadlineWatch:
    """Stops the work at a deadline (monotonic clock), or when `is_stopped`."""

    deadline: float
    is_stopped: Callable[[], bool]

    def progress(self, percent: int) -> None:
        """Ignored."""

    def ended(self, ended: Exit) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        return time.monotonic() > self.deadline or self.is_stopped()


@contextmanager
def watch_with_deadline(seconds: float, is_stopped: Callable[[], bool] = never_stopped) -> Iterator[engines.Watch]:
    """A watch for a probe. Raises `InputTimeout` after `seconds`, `Cancelled` when `is_stopped`."""
    try:
        yield _DeadlineWatch(time.monotonic() + seconds, is_stopped)
    except errors.Cancelled as late:
        if is_stopped():
            raise
        raise errors.InputTimeout("Probing the input took too long. Start the conversion itself instead.") from late
