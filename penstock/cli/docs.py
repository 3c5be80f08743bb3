"""`penstock docs`: the documentation site, built and served on this machine until Ctrl-C."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

import penstock
from penstock.host.ports import bind_port
from penstock.settings import read_settings

HOST = "127.0.0.1"
# In a wheel and in a checkout.
PLACES = (Path(penstock.__file__).parent / "site", Path(penstock.__file__).parents[1])


@click.command("docs")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to serve on.  [default: a free one]")
@click.option("--open/--no-open", "opens", default=True, help="Open a browser.")
def docs_command(port: int, *, opens: bool) -> None:
    """Build the documentation and open it in a browser. Ctrl-C stops."""
    read_settings()  # as every command: a wrong one is told
    if find_spec("mkdocs") is None:
        raise click.ClickException("The documentation is built with MkDocs: pip install 'penstock[service,docs]'")
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # of the theme, about the successor of MkDocs
    with bind_port(HOST, port, "--port") as free:
        chosen = free.port
    command = [sys.executable, "-m", "mkdocs", "serve", "--no-livereload", "--quiet", *(["--open"] if opens else [])]
    click.echo(f"Building the pages for http://{HOST}:{chosen} takes some seconds. Ctrl-C stops.")
    sys.stdout.flush()
    os.execv(sys.executable, [*command, "--config-file", str(_config()), "--dev-addr", f"{HOST}:{chosen}"])  # noqa: S606 - a list of arguments


def _config() -> Path:
    return next(place / "mkdocs.yml" for place in PLACES if (place / "mkdocs.yml").is_file())
