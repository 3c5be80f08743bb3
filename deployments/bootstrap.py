"""Applies `prefect.yaml` to Prefect: pool, queues, limits, saved filters and deployments. Safe to repeat."""

import asyncio
import contextlib
import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import DeploymentSchedule, VersionInfo
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.importtools import import_object

import penstock
from penstock.orchestration.prefect_server import deployed_file
from penstock.settings import Settings, read_settings

# What a stock worker needs to start a process. It has no variables: Prefect's server would validate their schema and
# values again for every run that is created.
JOB_TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": None, "env": {}, "labels": {}, "name": None, "stream_output": True},
    "variables": {"properties": {}},
}
TRIES = 5


def load_prefect_yaml() -> dict[str, Any]:
    """`prefect.yaml` as data; in a checkout this folder has a link to it."""
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("prefect.yaml").read_text())
    return data


async def apply_if_changed(settings: Settings) -> None:
    """Apply the file to the Prefect of this home alone, unless this version of it was the last one that was applied,
    and all of it exists still.

    Applying takes 60 requests and one or two seconds, checking three requests. A new home comes with all but the
    limits, whose size is a setting."""
    applied, fingerprint = deployed_file(settings.root), _fingerprint(settings)
    known = applied.read_text() if applied.is_file() else None
    if known == fingerprint and await _all_exist():
        return
    if known == heading_of_tables():
        async with get_client() as client:
            await _concurrency_limits(client, settings)
    else:
        await apply_prefect_yaml(settings)
    applied.parent.mkdir(parents=True, exist_ok=True)
    applied.write_text(fingerprint)


def heading_of_tables() -> str:
    """The first line of the tables of a new home whose deployments are those of this `prefect.yaml`: people edit it."""
    return f"-- prefect.yaml {hashlib.sha256(repr(load_prefect_yaml()).encode()).hexdigest()}"


async def _concurrency_limits(client: PrefectClient, settings: Settings) -> None:
    for name, value in load_prefect_yaml()["definitions"]["concurrency_limits"].items():
        await client.upsert_global_concurrency_limit_by_name(name, _slots(value, settings))


def _fingerprint(settings: Settings) -> str:
    """Of all that decides what is created: the file, the setting that it names, and the flows' code."""
    known = (load_prefect_yaml(), settings.transcode_slots, version("prefect"), _code())
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _code() -> list[tuple[str, int, int]]:
    """Each module of the package with its time and size. In a checkout some folders are links."""
    walked = os.walk(Path(str(penstock.__file__)).parent, followlinks=True)
    paths = (Path(folder, name) for folder, _, names in walked for name in names if name.endswith(".py"))
    return sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


async def _all_exist() -> bool:
    wanted = load_prefect_yaml()
    async with get_client() as client:
        try:
            for pool in wanted["definitions"]["work_pools"]:
                await client.read_work_pool(pool["name"])
            for name in wanted["definitions"]["concurrency_limits"]:
                await client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return False
        found = {deployment.name for deployment in await client.read_deployments()}
    return all(entry["name"] in found for entry in wanted["deployments"])


async def apply_prefect_yaml(settings: Settings) -> list[str]:
    """Create or update everything that the file names; returns the full names of the deployments.

    Several workers may do it at once: one that finds something new that it was about to create begins again."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(ObjectAlreadyExists):
            return await _apply(settings)
    return await _apply(settings)


async def _apply(settings: Settings) -> list[str]:
    wanted = load_prefect_yaml()
    async with get_client() as client:
        for pool in wanted["definitions"]["work_pools"]:
            await _work_pool(client, pool)
        await _concurrency_limits(client, settings)
        filters = (_saved_filter(**entry) for entry in wanted["definitions"]["saved_filters"])
        await asyncio.gather(*(client.request("PUT", "/saved_searches/", json=each) for each in filters))
        # `/health` looks for the last one of the file: when it is there, all are.
        *others, last = wanted["deployments"]
        named = await asyncio.gather(*(_deployment(client, entry) for entry in others))
        return [*named, await _deployment(client, last)]


def _saved_filter(name: str, **values: list[str]) -> dict[str, Any]:
    """As the Prefect UI writes and reads it."""
    shown = {"object": "flowRun", "type": "", "operation": ""}
    return {"name": name, "filters": [{**shown, "property": key, "value": value} for key, value in values.items()]}


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


async def _deployment(client: PrefectClient, entry: dict[str, Any]) -> str:
    flow: Flow[..., Any] = import_object(entry["entrypoint"])
    deployment: RunnerDeployment = await flow.ato_deployment(
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        parameters=entry.get("parameters", {}),
        work_pool_name=entry["work_pool"]["name"],
        work_queue_name=entry["work_pool"]["work_queue_name"],
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    # An existing deployment that is sent schedules or a pause loses those that people gave it.
    deployment.model_fields_set.difference_update(("schedules", "paused"))
    # Else Prefect takes the last commit of the repository that the command was run in, which may be anybody's.
    version = VersionInfo(type="prefect:simple", version=deployment.version or "")
    deployment_id = await deployment.aapply(version_info=version)
    existing = {each.slug: each for each in await client.read_deployment_schedules(deployment_id)}
    for schedule in entry["schedules"]:
        await _schedule(client, deployment_id, schedule, existing.get(schedule["slug"]))
    return f"{flow.name}/{entry['name']}"


async def _schedule(
    client: PrefectClient, deployment_id: UUID, entry: dict[str, Any], existing: DeploymentSchedule | None
) -> None:
    """Create or update one schedule. One that somebody has paused stays paused. An inactive one is not created, and
    paused if it was created of this entry: another of this name is somebody's own."""
    wanted = CronSchedule(cron=entry["cron"], timezone=entry.get("timezone"))
    is_active, parameters = entry.get("active", True), entry.get("parameters", {})
    is_equal = existing is not None and (existing.schedule, existing.parameters) == (wanted, parameters)
    if existing is None and is_active:
        created = DeploymentScheduleCreate(schedule=wanted, parameters=parameters, slug=entry["slug"])
        await client.create_deployment_schedules(deployment_id, [created])
    elif existing is not None and is_equal and existing.active and not is_active:
        await client.update_deployment_schedule(deployment_id, existing.id, active=False)
    elif existing is not None and is_active and not is_equal:
        await client.update_deployment_schedule(
            deployment_id, existing.id, schedule=wanted, parameters=parameters, active=existing.active
        )


if __name__ == "__main__":
    for deployed in asyncio.run(apply_prefect_yaml(read_settings())):
        print(deployed)  # noqa: T201 - the command's output
