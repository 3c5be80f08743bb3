"""Applies `prefect.yaml` to Prefect: work pool, queues, concurrency limits and deployments. Safe to repeat."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import Flow
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.importtools import import_object

from penstock.settings import Settings, read_settings

# What a stock worker needs to start a process. It has no variables: Prefect's server would validate their schema and
# values again for every run that is created.
JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": None, "env": {}, "labels": {}, "name": None, "stream_output": True},
    "variables": {"properties": {}},
}


def load_prefect_yaml() -> dict[str, Any]:
    """`prefect.yaml` as data; in a checkout this folder has a link to it."""
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("prefect.yaml").read_text())
    return data


async def apply_prefect_yaml(settings: Settings) -> list[str]:
    """Create or update everything that the file names; returns the full names of the deployments."""
    wanted = load_prefect_yaml()
    async with get_client() as client:
        for pool in wanted["definitions"]["work_pools"]:
            await _work_pool(client, pool)
        for name, value in wanted["definitions"]["concurrency_limits"].items():
            await client.upsert_global_concurrency_limit_by_name(name, _slots(value, settings))
    return [await _deployment(entry) for entry in wanted["deployments"]]


def _slots(value: int | str, settings: Settings) -> int:
    """The number itself, or the value of the setting of that name."""
    if isinstance(value, int):
        return value
    return int(getattr(settings, value.removeprefix("PENSTOCK_").lower()))


async def _work_pool(client: PrefectClient, pool: dict[str, Any]) -> None:
    wanted = WorkPoolCreate(
        name=pool["name"], type=pool["type"], description=pool["description"], base_job_template=JOB_TEMPLATE
    )
    with contextlib.suppress(ObjectAlreadyExists):
        await client.create_work_pool(wanted)
    existing = {queue.name for queue in await client.read_work_queues(work_pool_name=pool["name"])}
    for queue in pool["queues"]:
        if queue["name"] not in existing:
            await client.create_work_queue(**queue, work_pool_name=pool["name"])


async def _deployment(entry: dict[str, Any]) -> str:
    flow: Flow[..., Any] = import_object(entry["entrypoint"])
    deployment: RunnerDeployment = await flow.ato_deployment(
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        work_pool_name=entry["work_pool"]["name"],
        work_queue_name=entry["work_pool"]["work_queue_name"],
        schedules=[Cron(schedule["cron"], slug=schedule["slug"]) for schedule in entry["schedules"]],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    await deployment.aapply()
    return f"{flow.name}/{entry['name']}"


if __name__ == "__main__":
    for deployed in asyncio.run(apply_prefect_yaml(read_settings())):
        print(deployed)  # noqa: T201 - the command's output
