"""`penstock quarantine`: inputs that ended their workers again and again, and are not tried any more."""

import click

from penstock.cli.local.records import existing_records
from penstock.domain.file_names import escaped
from penstock.settings import read_settings


@click.group("quarantine")
def quarantine_command() -> None:
    """List and release tasks whose input ended each worker that took it."""


@quarantine_command.command("list")
def show_all() -> None:
    """List the quarantined tasks of all projects, the latest first."""
    with existing_records(read_settings()) as records:
        for task in records.tasks.quarantined():
            click.echo(f"{task.id}  {task.project_id}  {task.updated:%Y-%m-%dT%H:%M:%SZ}  {escaped(task.shown_input)}")


@quarantine_command.command("release")
@click.argument("task_ids", metavar="TASK…", nargs=-1, required=True)
def release(task_ids: tuple[str, ...]) -> None:
    """Let the requests of tasks be tried again: after more memory, another version, or another look at the input."""
    with existing_records(read_settings()) as records:
        for task_id in task_ids:
            records.tasks.release(task_id)
            click.echo(f"{task_id} is released; the same request starts another attempt.")
