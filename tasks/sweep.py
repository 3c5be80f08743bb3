"""The three brooms. Each is safe to stop half-way and to repeat."""

import time
from pathlib import Path

from prefect import get_run_logger, task
from prefect.settings import get_current_settings

from penstock.cleanup import DAY_SECONDS, clear_failures, clear_forgotten, clear_orphans, purge
from penstock.domain.errors import FileInUse, FileNotFound
from penstock.domain.task import File
from penstock.host.scratch import remove_dead_folders
from penstock.services import current
from penstock.tasks import policy

AT_ONCE = 10_000


@task(**policy.RETIRE)
def retire_old_files() -> None:
    """Delete outputs and uploads beyond `PENSTOCK_RETENTION_DAYS`, unless a task reads them."""
    services = current()
    days = services.settings.retention_days
    if days is None:
        return
    deleted = sum(_retire(file) for file in services.records.files.list_older(days, AT_ONCE))
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
    purged = purge(services.records, services.objects)
    get_run_logger().info("%d deleted files purged", purged.gone)
    if purged.kept:
        get_run_logger().warning("%d deleted files could not be purged; the next sweep tries again", purged.kept)


@task(**policy.CLEAR)
def clear_leftovers() -> None:
    """Remove the rooms of dead runs on this host, half-sent objects older than a day, stored files that no run
    recorded, and outdated results of Prefect's."""
    services = current()
    scratch = remove_dead_folders(services.settings.scratch)
    objects = services.objects.remove_stale_uploads(DAY_SECONDS)
    orphans = clear_orphans(services.records, services.objects)
    results = _clear_results(services.settings.root / "prefect" / "storage")
    get_run_logger().info(
        "cleared %d rooms, %d half-sent objects, %d objects without a file, %d results",
        scratch,
        objects,
        orphans,
        results,
    )


def _clear_results(own: Path) -> int:
    """Those in our home, and where this process keeps them if that is elsewhere."""
    now, kept = time.time(), get_current_settings().results.local_storage_path
    return clear_forgotten(own, now) + sum(clear_failures(folder, now) for folder in {own, kept})
