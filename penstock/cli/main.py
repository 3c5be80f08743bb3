"""The commands by name; each is imported when it is called, so that none pays for the others."""

from importlib import import_module
from typing import IO, Any

import click

from penstock import __version__
from penstock.domain.errors import MediaError, Misconfigured

COMMANDS = {
    "convert": "Convert one file or address.",
    "plan": "Show what converting would do, without doing it.",
    "up": "Run everything one machine needs.",
    "api": "Run the trigger API alone.",
    "worker": "Run one worker alone.",
    "deploy": "Bring Prefect's pools, limits and deployments up to date.",
    "keys": "Make, list, rotate and revoke API keys.",
    "formats": "Show what may become what.",
    "cancel": "Cancel a task.",
    "doctor": "Check everything a conversion needs.",
    "env": "Print what to export, so that plain `prefect …` commands reach our Prefect.",
}


class WrongUsage(click.ClickException):
    """Each line is one thing that is wrong."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        for line in self.message.splitlines():
            click.echo(f"Error: {line}", file=file, err=file is None)


class Commands(click.Group):
    """Loads `penstock.cli.<name>` when its command is wanted."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. What is ours to say of why it cannot is said in a line; all else is a fault, and shows."""
        try:
            return super().invoke(ctx)
        except Misconfigured as wrong:
            raise WrongUsage(str(wrong)) from wrong
        except MediaError as trouble:
            raise click.ClickException("\n".join(filter(None, (trouble.message, trouble.detail)))) from trouble

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"penstock.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Media conversion as Prefect flow runs: video, audio and images, by address or upload."""
