"""The control plane: what runs beside the API for its whole life. Each part is restarted after an error."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from penstock.arrivals.rules import read_rules
from penstock.arrivals.submitting import submit_arrivals
from penstock.host.scratch import CREATION_SECONDS, remove_dead_folders
from penstock.lineage.configured import is_configured
from penstock.lineage.telling import tell_lineage
from penstock.orchestration.counting import count_ended, keep_counts, save_counts
from penstock.orchestration.dispatcher import dispatch
from penstock.orchestration.ended_events import emit_ended
from penstock.orchestration.flow_runs import FlowRuns
from penstock.orchestration.prefect_events import follow_prefect_events
from penstock.orchestration.reconcile.reconciler import reconcile_runs
from penstock.records.notifications import DELIVERY, OUTBOX, listen
from penstock.services import Services
from penstock.webhooks.delivering import deliver, sweep_deliveries

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
HOUR_SECONDS = 3600.0


@asynccontextmanager
async def control_plane(services: Services, runs: FlowRuns, base_url: str) -> AsyncIterator[None]:
    """Dispatch, follow Prefect's events, reconcile, send webhooks and sweep until the block ends. Links in webhooks
    start with `base_url`."""
    rules = read_rules(services.settings.arrival_rules, services.settings.batch_roots)
    woken, delivery, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with runs:
        parts = (
            partial(_wake_on_notice, services, {OUTBOX: (woken,), DELIVERY: (delivery, ended)}),
            partial(deliver, services, base_url, runs.url, delivery),
            partial(submit_arrivals, services.records, rules),
            partial(emit_ended, services.records, runs, ended),
            partial(sweep_deliveries, services.records, services.settings.webhook_log_days),
            partial(dispatch, services.records, runs, woken, services.settings.running_per_project),
            partial(follow_prefect_events, services.records, runs, services.settings.attempts),
            partial(reconcile_runs, services.records, runs, services.settings),
            partial(sweep_scratch_hourly, services.settings.scratch),
            partial(keep_counts, services),
            partial(count_ended, services),
            *([partial(tell_lineage, services)] if is_configured() else []),
        )
        tasks = [asyncio.create_task(keep_running(part)) for part in parts]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(save_counts, services)


async def _wake_on_notice(services: Services, woken: Mapping[str, Sequence[asyncio.Event]]) -> None:
    """Set the events of a channel at each PostgreSQL notice: a new submission, or a new delivery."""
    async for channel, _payload in listen(services.records.url, *woken):
        for event in woken[channel]:
            event.set()


async def keep_running(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever: an error is logged with its traceback, and `work` is started again a second later."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s failed and is restarted", _name_of(work))
        await asyncio.sleep(PAUSE_SECONDS)


def _name_of(work: Callable[[], Awaitable[None]]) -> str:
    """The name of its function alone: the `repr` of a `partial` shows the arguments, and with them settings."""
    function = work.func if isinstance(work, partial) else work
    return getattr(function, "__name__", type(function).__name__)


async def sweep_scratch_hourly(scratch: Path, creation_seconds: float = CREATION_SECONDS) -> None:
    """Remove the scratch folders that no process holds: now, and every hour.

    For hosts that run no flows: plans and uploads make scratch folders there, and a crash leaves them behind."""
    while True:
        if count := await asyncio.to_thread(remove_dead_folders, scratch, creation_seconds):
            log.info("removed %d scratch folders", count)
        await asyncio.sleep(HOUR_SECONDS)
