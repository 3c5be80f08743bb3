"""The schedules of the deployment `convert-batch` in Prefect, where their names are slugs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun, StateType
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from penstock.domain import errors

DEPLOYMENT = "convert-batch/convert-batch"
CRON_RULE = (
    'A cron expression has five fields: minute, hour, day of the month, month, day of the week. "0 2 * * *" is each day'
    ' at 2:00, "*/15 * * * 1-5" every quarter of an hour from Monday to Friday.'
)
# The last run of each schedule is looked for in so many pages of runs.
PAGE, PAGES = 200, 10
_SCHEDULE: Any = "/deployments/{id}/schedule"
_ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a schedule runs: by a cron expression in a time zone, or every so many seconds."""

    cron: str | None = None
    timezone: str | None = None
    every_seconds: float | None = None

    @property
    def text(self) -> str:
        """`0 2 * * * Europe/Berlin` or `every 60 s`."""
        return f"every {self.every_seconds:g} s" if self.every_seconds else f"{self.cron} {self.timezone or 'UTC'}"


@dataclass(frozen=True, slots=True)
class BatchSchedule:
    """A schedule as people see it. `batch` is its parameter; `last_result` the state and message of its last run."""

    name: str
    timing: Timing
    active: bool
    batch: Mapping[str, Any]
    next_run: datetime | None
    last_run: datetime | None
    last_result: str | None


async def add_schedule(name: str, timing: Timing, batch: Mapping[str, Any]) -> None:
    """Raises `FieldInvalid` for a wrong cron expression or time zone and for a name that is taken, `NotFound`."""
    schedule = _prefect_schedule(timing)
    async with _deployment() as (client, deployment_id):
        if name in await _by_name(client, deployment_id):
            raise errors.FieldInvalid(f"There is already a schedule {name}; remove it first.", field="name")
        wanted = DeploymentScheduleCreate(schedule=schedule, slug=name, parameters={"batch": dict(batch)})
        await client.create_deployment_schedules(deployment_id, [wanted])
        await _create_runs(client, deployment_id)


async def set_schedule_active(name: str, *, active: bool) -> None:
    """Pause or resume a schedule. Raises `NotFound`."""
    async with _deployment() as (client, deployment_id):
        found = await _named(client, deployment_id, name)
        await client.update_deployment_schedule(deployment_id, found.id, active=active)
        if active:
            await _create_runs(client, deployment_id)


async def remove_schedule(name: str) -> None:
    """Raises `NotFound`."""
    async with _deployment() as (client, deployment_id):
        found = await _named(client, deployment_id, name)
        await client.delete_deployment_schedule(deployment_id, found.id)


async def list_schedules() -> list[BatchSchedule]:
    """All schedules of the deployment, by name."""
    async with _deployment() as (client, deployment_id):
        found = await _by_name(client, deployment_id)
        ids = {each.id for each in found.values()}
        waiting = await _first_runs(client, deployment_id, ids, _WAITING, FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC)
        ended = await _first_runs(client, deployment_id, ids, _LAST, FlowRunSort.EXPECTED_START_TIME_DESC)
        return [_view(name, each, waiting.get(each.id), ended.get(each.id)) for name, each in sorted(found.items())]


@asynccontextmanager
async def _deployment() -> AsyncIterator[tuple[PrefectClient, UUID]]:
    """A client and the deployment's id. Raises `NotFound` and `PlatformError`."""
    try:
        async with get_client() as client:
            try:
                deployment = await client.read_deployment_by_name(DEPLOYMENT)
            except ObjectNotFound as missing:
                raise errors.NotFound(f"There is no deployment {DEPLOYMENT}; run `penstock deploy`.") from missing
            yield client, deployment.id
    except httpx.HTTPError as error:
        raise errors.PlatformError("Prefect does not respond as it should.", detail=type(error).__name__) from error


async def _create_runs(client: PrefectClient, deployment_id: UUID) -> None:
    """Create the next runs now. Prefect's scheduler looks once a minute, and oftener at deployments that were changed
    in the last seconds, of which it misses some: a new drop folder was first looked into after 59 s."""
    await client.request("POST", _SCHEDULE, path_params={"id": str(deployment_id)}, json={})


def _prefect_schedule(timing: Timing) -> CronSchedule | IntervalSchedule:
    if timing.every_seconds is not None:
        return IntervalSchedule(interval=timedelta(seconds=timing.every_seconds))
    try:
        return CronSchedule(cron=timing.cron or "", timezone=timing.timezone)
    except ValidationError as invalid:
        if invalid.errors()[0]["loc"] == ("timezone",):
            message = f"{timing.timezone} is no time zone; they are written like Europe/Berlin or America/New_York."
            raise errors.FieldInvalid(message, field="timezone") from invalid
        raise errors.FieldInvalid(f'"{timing.cron}" cannot be used. {CRON_RULE}', field="cron") from invalid


async def _by_name(client: PrefectClient, deployment_id: UUID) -> dict[str, DeploymentSchedule]:
    """The schedules by slug; by id those that were added in the UI without one."""
    found = await client.read_deployment_schedules(deployment_id)
    return {each.slug or str(each.id): each for each in found}


async def _named(client: PrefectClient, deployment_id: UUID, name: str) -> DeploymentSchedule:
    found = await _by_name(client, deployment_id)
    if name not in found:
        raise errors.NotFound(f"There is no schedule {name}; there are: {', '.join(sorted(found)) or 'none'}.")
    return found[name]


def _states(*types: StateType) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))))


_WAITING, _LAST = _states(StateType.SCHEDULED), _states(*_ENDED)


async def _first_runs(
    client: PrefectClient, deployment_id: UUID, schedules: set[UUID], wanted: FlowRunFilter, sort: FlowRunSort
) -> dict[UUID, FlowRun]:
    """The first run of each schedule in this order."""
    first: dict[UUID, FlowRun] = {}
    of_deployment = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
    for page in range(PAGES):
        runs = await client.read_flow_runs(
            flow_run_filter=wanted, deployment_filter=of_deployment, sort=sort, limit=PAGE, offset=page * PAGE
        )
        for run in runs:
            if run.created_by is not None and run.created_by.id in schedules:
                first.setdefault(run.created_by.id, run)
        if len(runs) < PAGE or len(first) == len(schedules):
            break
    return first


def _view(name: str, schedule: DeploymentSchedule, waiting: FlowRun | None, ended: FlowRun | None) -> BatchSchedule:
    return BatchSchedule(
        name=name,
        timing=_timing(schedule),
        active=schedule.active,
        batch=schedule.parameters.get("batch") or {},
        next_run=waiting.next_scheduled_start_time if waiting and schedule.active else None,
        last_run=ended.start_time or ended.expected_start_time if ended else None,
        last_result=_result(ended) if ended else None,
    )


def _timing(schedule: DeploymentSchedule) -> Timing:
    when = schedule.schedule
    if isinstance(when, CronSchedule):
        return Timing(cron=when.cron, timezone=when.timezone)
    if isinstance(when, IntervalSchedule):
        return Timing(every_seconds=when.interval.total_seconds())
    return Timing(cron=getattr(when, "rrule", "never"), timezone=getattr(when, "timezone", None))


def _result(run: FlowRun) -> str:
    """`completed: 12 converted, 3 skipped`."""
    state = (run.state_name or "unknown").lower()
    message = run.state.message if run.state else None
    return f"{state}: {message}" if message else state
