"""A command that also has subcommands: `penstock batch SOURCE DEST` beside `penstock batch list`."""

from collections.abc import Callable
from typing import Any

import click


class CommandWithSubcommands(click.Command):
    """Runs a subcommand if the first word names one, else `command`, which has the same name."""

    def __init__(self, command: click.Command) -> None:
        super().__init__(command.name, callback=command.callback, params=command.params, help=command.help)
        self._group = click.Group(command.name, help=command.help)

    @property
    def commands(self) -> dict[str, click.Command]:
        """The subcommands by name, as those of a `click.Group`: the documentation lists them."""
        return dict(self._group.commands)

    def add_command(self, command: click.Command) -> None:
        self._group.add_command(command)

    def command(self, name: str) -> Callable[[Callable[..., Any]], click.Command]:
        """The decorator of a subcommand."""
        return self._group.command(name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command itself, or of the group. The caller runs the context's own command."""
        if args and args[0] in self._group.commands:
            return self._group.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Of the help, which ends with the subcommands."""
        super().format_options(ctx, formatter)
        self._group.format_commands(ctx, formatter)
