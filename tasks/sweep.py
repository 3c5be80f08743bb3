"""The stages of the hourly sweep. Each may be stopped half-way and repeated."""

import asyncio
import time
from pathlib import Path

from prefect import get_run_logger, task
from prefect.settings import get_current_settings

from penstock.cleanup import (
    DAY_SECONDS,
    purge_deleted,
    remove_expired_results,
    remove_failed_results,
    remove_orphans,
    retire_files,
)
from penstock.conversion.kept_outputs import KeptOutputs
from penstock.host.scratch import remove_dead_folders
from penstock.orchestration.worker.dead_workers import remove_dead_workers
from penstock.services import Services
from penstock.tasks import policy
from penstock.uploads.resumable import unfinished_uploads


@task(**policy.RETIRE)
def retire_old_files(services: Services) -> None:
    """Delete outputs and uploads older than `PENSTOCK_RETENTION_DAYS`, unless a task reads them."""
    days = services.settings.retention_days
    if days is not None:
        count = retire_files(services.records, days)
        get_run_logger().info("deleted %d files older than %g days", count, days)


@task(**policy.PURGE)
def purge_deleted_files(services: Services) -> None:
    """Remove the bytes of deleted files."""
    purged = purge_deleted(services.records, services.objects)
    get_run_logger().info("purged %d deleted files", purged.removed)
    if purged.failed:
        get_run_logger().warning("%d deleted files could not be purged; the next sweep tries again", purged.failed)


@task(**policy.CLEAR)
def clear_leftovers(services: Services) -> None:
    """Remove the scratch folders of dead runs, outputs that no attempt came for and expired resumable uploads on this
    host, incomplete uploads to the store older than a day, stored files that no run recorded, and outdated results of
    Prefect."""
    get_run_logger().info(
        "removed %d scratch folders, %d outputs, %d expired and %d incomplete uploads, %d orphaned objects, %d results",
        remove_dead_folders(services.settings.scratch),
        KeptOutputs(services.settings.kept_outputs).remove_old(),
        unfinished_uploads(services.settings).remove_all_expired(),
        services.objects.remove_stale_uploads(DAY_SECONDS),
        remove_orphans(services.records, services.objects),
        _remove_results(services.settings.root / "prefect" / "storage"),
    )


@task(**policy.CLEAR_WORKERS)
def remove_ended_workers() -> None:
    """Remove workers from Prefect's list that ended without doing so themselves."""
    get_run_logger().info("removed %d dead workers from the pool", asyncio.run(remove_dead_workers()))


def _remove_results(own: Path) -> int:
    """From the result folder of our home, and from the one of this process if that is another."""
    now, configured = time.time(), get_current_settings().results.local_storage_path
    return remove_expired_results(own, now) + sum(remove_failed_results(folder, now) for folder in {own, configured})
