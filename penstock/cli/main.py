"""The commands by name. Each is imported only when it is called: `--help` needs no Prefect and no SQLAlchemy."""

import signal
import sys
from importlib import import_module
from typing import IO, Any

import click

from penstock import __version__
from penstock.domain.errors import MediaError, Misconfigured

COMMANDS = {
    "convert": "Convert one file or URL.",
    "batch": "Convert a folder, a prefix or the lines of a manifest.",
    "schedule": "Convert batches at set times, or what arrives in a folder.",
    "plan": "Show what a conversion would do, without doing it.",
    "up": "Run everything one machine needs.",
    "status": "Tell what runs, with which memory, and when it ends.",
    "stop": "Stop the service of this machine.",
    "api": "Run the API alone.",
    "worker": "Run one worker alone.",
    "deploy": "Create or update Prefect's pools, limits and deployments.",
    "keys": "Create, list, rotate and revoke API keys.",
    "webhooks": "Print webhooks on this machine.",
    "formats": "Show which input can become which output.",
    "cancel": "Cancel a task.",
    "quarantine": "List and release inputs that ended their workers.",
    "doctor": "Check everything that a conversion needs.",
    "docs": "Open this documentation in a browser.",
    "env": "Print the variables that plain `prefect …` commands need.",
}


# The commands that work on any system.
ANYWHERE = ("formats", "docs")
NEEDS_LINUX = (
    "The service and its commands need Linux: run them in a container, on Windows in WSL 2. The client works here: "
    "`from penstock import Client`."
)


class ConfigurationError(click.ClickException):
    """Prints each line of the message as an error of its own, and exits with 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"Error: {line}", file=file, err=file is None)


class Commands(click.Group):
    """Imports `penstock.cli.<name>` when that command is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Our own errors are printed as a line; any other is a bug and shows its traceback."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(128 + signal.SIGINT)
        except Misconfigured as error:
            raise ConfigurationError(str(error)) from error
        except MediaError as error:
            raise click.ClickException("\n".join(filter(None, (error.message, error.detail)))) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        if sys.platform != "linux" and cmd_name not in ANYWHERE:
            raise click.ClickException(NEEDS_LINUX)
        command: click.Command = getattr(import_module(f"penstock.cli.{cmd_name}"), f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Media conversion as Prefect flow runs: video, audio and images, by URL or upload."""
