"""The places of a worker: how many runs of which queues it runs at once, and the threads that run them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from prefect.context import SyncClientContext
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings

from penstock.orchestration.flow_run_options import BATCH_QUEUE, BATCH_WORK_QUEUE, IMAGE_QUEUE


@dataclass(frozen=True, slots=True)
class QueuePlaces:
    """So many runs at once from `queue`; without a name, from every queue that has no places of its own.

    Up to `lent` more run while as many only wait, for an encoder or for an equal conversion. `rests_seconds` is the
    shortest time between two polls that no event asked for. With `yields_seconds` one run is taken at a time, and
    another one only after so long, so that workers without any take it first."""

    count: int
    queue: str | None = None
    lent: int = 0
    rests_seconds: float = 0.0
    yields_seconds: float = 0.0

    def serves(self, queue: str) -> bool:
        return queue == self.queue if self.queue else queue not in OWN_PLACES


OWN_PLACES = frozenset((IMAGE_QUEUE, BATCH_QUEUE, BATCH_WORK_QUEUE))
# A coordinating run only waits: a thread each. With two runs of work at once, one begins while another ends.
BATCH_PLACES = 32
BATCH_WORK_PLACES = 2
# Polls of two more queues every four seconds took a fiftieth of a core while nothing was to be done. Events wake them.
RESTS_SECONDS = 20.0
# Of three chunks for three workers, one worker took two, of which the second waited.
YIELDS_SECONDS = 1.0


def queue_places(count: int, image_count: int, lent: int = 0) -> tuple[QueuePlaces, ...]:
    """The places of one worker process: for images, for batches and their work, and for everything else."""
    return (
        QueuePlaces(count, lent=lent),
        QueuePlaces(image_count, IMAGE_QUEUE, lent=lent),
        QueuePlaces(BATCH_PLACES, BATCH_QUEUE, rests_seconds=RESTS_SECONDS),
        QueuePlaces(BATCH_WORK_PLACES, BATCH_WORK_QUEUE, rests_seconds=RESTS_SECONDS, yields_seconds=YIELDS_SECONDS),
    )


def run_threads(count: int) -> ThreadPoolExecutor:
    """Threads that live as long as the process."""
    local = threading.local()
    return ThreadPoolExecutor(count, thread_name_prefix="run", initializer=_prepare, initargs=(local,))


def _prepare(local: threading.local) -> None:
    """Give this thread one HTTP client for all its runs: a new one loads certificates and fetches a CSRF token.

    And turn off Prefect's run heartbeat, unless its frequency is set: it is a thread whose end each run awaits for up
    to a second while it holds its place. Our lease detects a lost run sooner; automations may want those events.
    """
    local.stack = stack = ExitStack()
    if "heartbeat_frequency" not in get_current_settings().flows.model_fields_set:
        stack.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
    stack.enter_context(SyncClientContext.get_or_create())
