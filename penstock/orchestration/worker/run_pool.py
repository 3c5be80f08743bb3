"""The threads that flow runs execute on, each with what a run would else make for itself and throw away."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from prefect.context import SyncClientContext
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings


def run_threads(count: int) -> ThreadPoolExecutor:
    """Threads that live as long as the process."""
    own = threading.local()
    return ThreadPoolExecutor(count, thread_name_prefix="run", initializer=_furnish, initargs=(own,))


def _furnish(own: threading.local) -> None:
    """One HTTP client for all runs of this thread: each new one loads certificates and asks for a token.

    And no heartbeat of Prefect's: it is a thread whose end each run awaits for up to a second, with its place in hand.
    Our lease says sooner that a run is lost. Who needs those events (an automation may) sets their frequency.
    """
    own.kept = kept = ExitStack()
    if "heartbeat_frequency" not in get_current_settings().flows.model_fields_set:
        kept.enter_context(temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}))
    kept.enter_context(SyncClientContext.get_or_create())
