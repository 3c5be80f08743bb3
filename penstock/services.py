"""The composition root: what the parts of one process share, opened once from the settings."""

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

from penstock.domain.attempts import QueueLimits
from penstock.domain.limits import Limits
from penstock.engines import (
    Tools,
    encoding,  # noqa: F401 - these are loaded here, so that no run waits for them
    sandbox_pool,
    thumbnail_files,  # noqa: F401
)
from penstock.engines.probing import facts, remote_probe  # noqa: F401
from penstock.engines.verification import scoring, verifier  # noqa: F401
from penstock.host.home import records_database
from penstock.metrics.counts import Counts
from penstock.records import Records
from penstock.settings import Settings, read_settings
from penstock.settings.fetching import fetch_policy_of
from penstock.settings.limits import ffmpeg_of, limits_of
from penstock.storage.http_source import FetchPolicy
from penstock.storage.object_store import ObjectStore


class LiveRuns:
    """The runs of this process, so that a stop of the process can give them back. Each run adds and removes itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._give_back: list[Callable[[], None]] = []
        self._are_given_back = False

    @contextmanager
    def tracking(self, give_back: Callable[[], None]) -> Iterator[None]:
        """Until the block ends, `give_back` asks its run to stop; at once, where all were given back before."""
        with self._lock:
            self._give_back.append(give_back)
            if self._are_given_back:
                give_back()
        try:
            yield
        finally:
            with self._lock:
                self._give_back.remove(give_back)

    def give_back_all(self) -> None:
        """Ask every run to stop; other workers continue their tasks."""
        with self._lock:
            self._are_given_back = True
            for give_back in self._give_back:
                give_back()


@dataclass(frozen=True, slots=True)
class Services:
    """The records, the storage and the tools of one process. `live` are its runs; `resumable` are those among them that
    another worker can go on with, or that only wait, so that a stop of the process need not wait for them.
    `counts` is what the process has counted and not yet written to the records."""

    settings: Settings
    records: Records
    objects: ObjectStore
    tools: Tools
    limits: Limits
    fetch_policy: FetchPolicy
    allowed_pairs: frozenset[tuple[str, str]]
    live: LiveRuns
    resumable: LiveRuns
    counts: Counts

    @property
    def queue_limits(self) -> QueueLimits:
        return QueueLimits(self.settings.queue_per_project, self.settings.queue_total)


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Open the services of one process; they are closed at the end of the block."""
    limits = limits_of(settings)
    with ExitStack() as stack:
        records = Records(stack.enter_context(records_database(settings)), settings.lease_seconds)
        stack.callback(records.close)
        pool = sandbox_pool(settings.jail)
        stack.callback(pool.close)
        yield Services(
            settings=settings,
            records=records,
            objects=ObjectStore.at(settings.storage, settings.s3_endpoint_url),
            tools=Tools(pool, ffmpeg_of(settings), limits, settings.threads_per_encoder),
            limits=limits,
            fetch_policy=fetch_policy_of(settings),
            allowed_pairs=settings.allowed_pairs,
            live=LiveRuns(),
            resumable=LiveRuns(),
            counts=Counts(),
        )


@cache
def current_services() -> Services:
    """The services of this process, for flows and workers: opened at the first call, closed at exit."""
    opened = ExitStack()
    atexit.register(opened.close)
    return opened.enter_context(open_services(read_settings()))
