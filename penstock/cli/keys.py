"""`penstock keys`: the API keys of projects, each shown once, when it is made; and what signs for a project."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from penstock.domain.errors import MediaError
from penstock.domain.ids import ProjectId
from penstock.home import Home, database
from penstock.records import Records
from penstock.settings import read_settings


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys; show what signs receipts."""


@command.command("create")
@click.option("--project", help="The project it belongs to.  [default: the first one]")
@click.option("--new-project", metavar="NAME", help="Make another project and a key of it.")
def create(project: str | None, new_project: str | None) -> None:
    """Make a key and show it, this once."""
    with _records() as records:
        owner = records.keys.new_project(new_project) if new_project else ProjectId(project) if project else None
        key_id, token = records.keys.create(owner)
    click.echo(f"{key_id}  {token}")


@command.command("list")
def show() -> None:
    """List all keys; never what opens them."""
    with _records() as records:
        for key in records.keys.list():
            click.echo(
                f"{key.id}  {key.project_id}  {key.created}  {'revoked ' + key.revoked if key.revoked else 'live'}"
            )


@command.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """From now on the key opens nothing."""
    with _records() as records:
        records.keys.revoke(key_id)


@command.command("secret")
@click.option("--project", help="Whose it is.  [default: the first one]")
def secret(project: str | None) -> None:
    """Show what signs a project's receipts: with it anybody can verify them."""
    with _records() as records:
        click.echo(records.keys.secret(ProjectId(project) if project else records.keys.default_project()))


@contextmanager
def _records() -> Iterator[Records]:
    settings = read_settings()
    Home.at(settings.root)
    try:
        with database(settings) as url:
            records = Records(url)
            records.migrate()
            records.keys.ensure_default(settings.api_key or Home.at(settings.root).secret("api_key"))
            try:
                yield records
            finally:
                records.close()
    except MediaError as trouble:
        raise click.ClickException(trouble.message) from trouble
