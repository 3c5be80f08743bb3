"""Removes workers from Prefect's list that will not come back: a worker's name has its process id."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from penstock.orchestration.flow_run_options import POOL

# A worker that Prefect could not hear for a while is listed again with its next heartbeat.
DEAD_AFTER = timedelta(minutes=10)
_WORKER: Any = "/work_pools/{work_pool_name}/workers/{name}"


async def remove_dead_workers() -> int:
    """Remove the workers of our pool that are silent for `DEAD_AFTER`; returns how many."""
    async with get_client() as client:
        found = await client.read_workers_for_work_pool(POOL)
        before = datetime.now(UTC) - DEAD_AFTER
        dead = [each.name for each in found if each.last_heartbeat_time and each.last_heartbeat_time < before]
        await _remove(client, dead)
        return len(dead)


async def remove_workers(names: Iterable[str]) -> None:
    """Remove these workers, which have ended."""
    async with get_client() as client:
        await _remove(client, names)


async def _remove(client: PrefectClient, names: Iterable[str]) -> None:
    for name in names:
        with suppress(ObjectNotFound):
            await client.request("DELETE", _WORKER, path_params={"work_pool_name": POOL, "name": name})
