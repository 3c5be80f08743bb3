"""The three brooms. Each is safe to stop half-way and to repeat."""

from prefect import get_run_logger, task

from penstock.domain.errors import FileInUse, FileNotFound
from penstock.domain.task import File
from penstock.rooms import sweep_rooms
from penstock.services import current
from penstock.tasks import policy

AT_ONCE = 10_000
DAY_SECONDS = 24 * 3600.0


@task(**policy.RETIRE)
def retire_old_files() -> None:
    """Delete outputs and uploads beyond `PENSTOCK_RETENTION_DAYS`, unless a task reads them."""
    services = current()
    days = services.settings.retention_days
    if days is None:
        return
    deleted = sum(_retire(file) for file in services.records.files.older(days, AT_ONCE))
    get_run_logger().info("%d files deleted that were older than %g days", deleted, days)


def _retire(file: File) -> bool:
    try:
        current().records.files.delete(file.project_id, file.id)
    except (FileInUse, FileNotFound):
        return False
    return True


@task(**policy.PURGE)
def purge_deleted_files() -> None:
    """Remove the bytes of deleted files."""
    services = current()
    count = 0
    while deleted := services.records.files.unpurged(AT_ONCE):
        for file in deleted:
            services.objects.delete(file.key)
            services.records.files.purged(file.id)
        count += len(deleted)
    get_run_logger().info("%d deleted files purged", count)


@task(**policy.CLEAR)
def clear_leftovers() -> None:
    """Remove the rooms of dead runs on this host, and half-sent objects older than a day."""
    services = current()
    rooms = sweep_rooms(services.settings.rooms)
    objects = services.objects.sweep(DAY_SECONDS)
    get_run_logger().info("%d rooms and %d half-sent objects cleared", rooms, objects)
