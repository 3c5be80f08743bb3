"""A command that also has subcommands: `penstock batch SOURCE DEST` beside `penstock batch list`."""

from typing import Any

import click


class CommandWithSubcommands(click.Group):
    """Runs a subcommand if the first word names one, else `command`, which has the same name."""

    def __init__(self, command: click.Command) -> None:
        super().__init__(command.name, help=command.help)
        self.command_itself = _WithSubcommandHelp(command, self)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command itself, or of the group. The caller runs the context's own command."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self.command_itself.make_context(info_name, args, parent, **extra)


class _WithSubcommandHelp(click.Command):
    """A command whose help ends with the subcommands."""

    def __init__(self, command: click.Command, group: click.Group) -> None:
        super().__init__(command.name, callback=command.callback, params=command.params, help=command.help)
        self._group = group

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self._group.format_commands(ctx, formatter)
