"""How a conversion of the command line has ended, and what is said of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.cli.conversions.command_line import OUTPUT_EXISTS, CommandLine
from penstock.cli.conversions.request_options import error_text
from penstock.domain.errors import MediaError
from penstock.domain.file_names import escaped
from penstock.views.outcomes import outcome

if TYPE_CHECKING:
    from penstock.client import CompletedTask

EXISTS_NOW = f"During the conversion another program created OUTPUT: {OUTPUT_EXISTS}"


@dataclass(frozen=True, slots=True)
class Converted:
    """`seconds`: from its first to its last byte, without the start of a service."""

    given: CommandLine
    task: "CompletedTask"
    seconds: float

    @property
    def sentence(self) -> str:
        """`clip.mov 4.1 MB → clip.mp4 1.7 MB (−59 %), VMAF 95, 12 s`"""
        receipt, title = (
            self.task.receipt,
            "standard output" if self.given.writes_stream else escaped(str(self.given.target)),
        )
        before = (self.given.title, receipt.input.filesize if receipt.input else None)
        return outcome(before, (title, self.task.output.filesize), receipt.checks.quality, self.seconds)


@dataclass(frozen=True, slots=True)
class Failed:
    given: CommandLine
    error: MediaError | OSError

    @property
    def sentence(self) -> str:
        """The code of the error and its message."""
        match self.error:
            case MediaError():
                return error_text(self.error.primary.code, self.error.message)
            case FileExistsError():
                return escaped(EXISTS_NOW.format(self.given.target))
            case OSError():
                return error_text("internal", escaped(f"{self.error.strerror}: {self.error.filename}"))


Ended = Converted | Failed
