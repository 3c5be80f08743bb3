"""`penstock keys`: API keys of projects, each shown once, when it is created; and a project's signing secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from penstock.cli.local.records import existing_records, opened_records
from penstock.domain.api_keys import ApiKey
from penstock.domain.ids import ProjectId
from penstock.domain.webhooks import webhook_secret
from penstock.host.home import Home, api_key_of, existing_records_database, records_database
from penstock.settings import read_settings

if TYPE_CHECKING:
    from penstock.records import Records

OVERLAP = "Hours for which the old one still works."


@click.group("keys")
def keys_command() -> None:
    """Create, list, rotate and revoke API keys; show the keys that verify receipts and webhooks."""


@keys_command.command("create")
@click.option("--project", help="Project of the key, by name or id.  [default: the first project]")
@click.option("--new-project", metavar="NAME", help="Create a project and a key for it.")
def create(project: str | None, new_project: str | None) -> None:
    """Create a key and show it once."""
    with _records_or_new() as records:
        owner = records.keys.new_project(new_project) if new_project else _owner(records, project)
        key_id, token = records.keys.create(owner)
    click.echo(f"{key_id}  {token}")


@keys_command.command("list")
def show_all() -> None:
    """List all keys with their projects and states."""
    with existing_records(read_settings()) as records:
        for key in records.keys.list():
            click.echo(f"{key.id}  {key.project_id}  {key.created}  {state_of(key)}")


@keys_command.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Revoke a key at once."""
    with existing_records(read_settings()) as records:
        records.keys.revoke(key_id)


@keys_command.command("rotate")
@click.argument("key_id")
@click.option("--overlap-hours", default=24.0, show_default=True, type=click.FloatRange(0, 8760), help=OVERLAP)
def rotate(key_id: str, overlap_hours: float) -> None:
    """Replace a key by a new one.

    The old one works until the overlap ends."""
    with existing_records(read_settings()) as records:
        new_id, token = records.keys.rotate(key_id, timedelta(hours=overlap_hours))
    click.echo(f"{new_id}  {token}")


@keys_command.command("rotate-secret")
@click.option("--project", help="Project, by name or id.  [default: the first project]")
@click.option("--overlap-hours", default=24.0, show_default=True, type=click.FloatRange(0, 8760), help=OVERLAP)
def rotate_secret(project: str | None, overlap_hours: float) -> None:
    """Replace the secret that signs links, receipts and webhooks.

    Shows the new receipt key: receipts are verified with it from now on. Until the overlap ends, existing links work,
    and webhooks are signed with the old secret too (`penstock keys webhook-secret` shows the new one)."""
    with existing_records(read_settings()) as records:
        owner = _owner(records, project)
        records.keys.rotate_secret(owner, timedelta(hours=overlap_hours))
        click.echo(records.keys.receipt_key(owner))


@keys_command.command("secret")
@click.option("--project", help="Project, by name or id.  [default: the first project]")
def secret(project: str | None) -> None:
    """Show a project's receipt key.

    It verifies and signs receipts; it gives access to nothing else."""
    with existing_records(read_settings()) as records:
        click.echo(records.keys.receipt_key(_owner(records, project)))


@keys_command.command("webhook-secret")
@click.option("--project", help="Project, by name or id.  [default: the first project]")
def show_webhook_secret(project: str | None) -> None:
    """Show a project's webhook secret.

    It verifies and signs webhooks; it gives access to nothing else. `penstock keys rotate-secret` replaces it."""
    with existing_records(read_settings()) as records:
        click.echo(webhook_secret(records.keys.project_secret(_owner(records, project))))


def _owner(records: "Records", project: str | None) -> ProjectId:
    return records.keys.find_project(project) if project else records.keys.default_project()


def state_of(key: ApiKey) -> str:
    if key.revoked:
        return f"revoked {key.revoked}"
    if key.expires:
        ended = datetime.fromisoformat(key.expires) <= datetime.now(UTC)
        return f"{'expired' if ended else 'expires'} {key.expires}"
    return "live"


@contextmanager
def _records_or_new() -> "Iterator[Records]":
    """The records. Creates the database, the tables and a first project with its key if they are missing."""
    settings = read_settings()
    home = Home.at(settings.root)
    running = home.running_service()
    database = existing_records_database if running else records_database
    with database(settings) as url, opened_records(url) as records:
        records.migrate()
        if not records.keys.project_ids():
            records.keys.ensure_default(api_key_of(settings, home))
        yield records
