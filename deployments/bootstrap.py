"""Applies `prefect.yaml`: the work pool, its queues, the limits and the deployments. Safe to repeat."""

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

# What a stock worker needs to start a process, and no variables: where a pool has some, Prefect's server checks their
# schema and values anew for every run that is made.
JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": None, "env": {}, "labels": {}, "name": None, "stream_output": True},
    "variables": {"properties": {}},
}


def project() -> dict[str, Any]:
    """`prefect.yaml` as data; a checkout has a link to it here."""
    read: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("prefect.yaml").read_text())
    return read


async def apply(settings: Settings) -> list[str]:
    """Bring Prefect to what the file says; answers the deployments' full names."""
    wanted = project()
    async with get_client() as client:
        for pool in wanted["definitions"]["work_pools"]:
            await _work_pool(client, pool)
        for name, value in wanted["definitions"]["concurrency_limits"].items():
            await client.upsert_global_concurrency_limit_by_name(name, _slots(value, settings))
    return [await _deployment(entry) for entry in wanted["deployments"]]


def main() -> None:
    for name in asyncio.run(apply(read_settings())):
        print(name)  # noqa: T201 - the command's answer


def _slots(value: int | str, settings: Settings) -> int:
    if isinstance(value, int):
        return value
    return int(getattr(settings, value.removeprefix("PENSTOCK_").lower()))


async def _work_pool(client: PrefectClient, pool: dict[str, Any]) -> None:
    wanted = WorkPoolCreate(
        name=pool["name"], type=pool["type"], description=pool["description"], base_job_template=JOB_TEMPLATE
    )
    with contextlib.suppress(ObjectAlreadyExists):
        await client.create_work_pool(wanted)
    there = {queue.name for queue in await client.read_work_queues(work_pool_name=pool["name"])}
    for queue in pool["queues"]:
        if queue["name"] not in there:
            await client.create_work_queue(**queue, work_pool_name=pool["name"])


async def _deployment(entry: dict[str, Any]) -> str:
    flow: Flow[..., Any] = import_object(entry["entrypoint"])
    deployment: RunnerDeployment = await flow.ato_deployment(
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        work_pool_name=entry["work_pool"]["name"],
        work_queue_name=entry["work_pool"]["work_queue_name"],
        schedules=[Cron(times["cron"], slug=times["slug"]) for times in entry["schedules"]],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    await deployment.aapply()
    return f"{flow.name}/{entry['name']}"


if __name__ == "__main__":
    main()
