"""Housekeeping, hourly: what is too old goes, what was deleted is gone for good, what crashes left is cleared."""

from prefect import flow

from penstock.tasks.sweep import clear_leftovers, purge_deleted_files, retire_old_files


@flow(name="sweep", flow_run_name="sweep", description="Retention, and what deletions and crashes left behind.")
def sweep() -> None:
    retire_old_files()
    purge_deleted_files()
    clear_leftovers()
