"""The hourly sweep: retention, the bytes of deleted files, and what crashes left behind."""

from prefect import flow

from penstock.services import current_services
from penstock.tasks.sweep import clear_leftovers, purge_deleted_files, remove_ended_workers, retire_old_files


@flow(
    name="sweep",
    flow_run_name="sweep",
    description="Deletes files past their retention, the bytes of deleted files, and what crashes left behind.",
)
def sweep() -> None:
    services = current_services()
    retire_old_files(services)
    purge_deleted_files(services)
    clear_leftovers(services)
    remove_ended_workers()
