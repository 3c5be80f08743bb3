"""The three brooms. Each is safe to stop half-way and to repeat."""

import contextlib

from prefect import get_run_logger, task

from penstock.domain.errors import FileInUse, FileNotFound
from penstock.orchestration.attempt import sweep_rooms
from penstock.services import current
from tasks import policy

AT_ONCE = 500
DAY_SECONDS = 24 * 3600.0


@task(**policy.RETIRE)
def retire_old_files() -> None:
    """Delete outputs and uploads beyond `PENSTOCK_RETENTION_DAYS`, unless a task reads them."""
    services = current()
    days = services.settings.retention_days
    if days is None:
        return
    aged = services.records.files.older(days, AT_ONCE)
    for file in aged:
        with contextlib.suppress(FileInUse, FileNotFound):
            services.records.files.delete(file.project_id, file.id)
    get_run_logger().info("%d files are older than %g days", len(aged), days)


@task(**policy.PURGE)
def purge_deleted_files() -> None:
    """Remove the bytes of deleted files."""
    services = current()
    deleted = services.records.files.unpurged(AT_ONCE)
    for file in deleted:
        services.objects.delete(file.key)
        services.records.files.purged(file.id)
    get_run_logger().info("%d deleted files purged", len(deleted))


@task(**policy.CLEAR)
def clear_leftovers() -> None:
    """Remove the rooms of dead runs on this host, and half-sent objects older than a day."""
    services = current()
    rooms = sweep_rooms(services.settings.rooms)
    objects = services.objects.sweep(DAY_SECONDS)
    get_run_logger().info("%d rooms and %d half-sent objects cleared", rooms, objects)
