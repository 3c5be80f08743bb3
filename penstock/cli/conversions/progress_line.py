"""One line of progress on a terminal, without colors and control codes: it is written over itself."""

import shutil
from collections.abc import Mapping
from typing import Protocol, TextIO

# For a terminal whose encoding has only ASCII.
_ASCII = str.maketrans({"·": "-", "×": "x", "→": "-", "−": "-", "±": "~", "…": "~"})


class ProgressDisplay(Protocol):
    """Where progress is shown."""

    def show(self, text: str) -> None:
        """Show this text instead of the last one."""

    def clear(self) -> None:
        """Leave an empty line, for other output."""


class NoDisplay:
    """A pipe or a file: shows nothing."""

    def show(self, text: str) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""


class LineDisplay:
    """A terminal: the text is written over the last one, cut to the width of the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown = stream, ""

    def show(self, text: str) -> None:
        columns = _columns()
        fitting = text if len(text) <= columns else f"{text[: columns - 1]}…"
        self._write(_encodable(fitting, self._stream.encoding))

    def clear(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if text == self._shown:
            return
        # Two more: the terminal shows an interrupt as ^C.
        blank = " " * min(len(self._shown) + 2, _columns())
        self._stream.write(f"\r{blank}\r{text}")
        self._stream.flush()
        self._shown = text


class StepDisplay:
    """A terminal that cannot write over a line (`TERM=dumb`): a line for each step, without figures."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown = stream, ""

    def show(self, text: str) -> None:
        step = text.rpartition(" · ")[2]
        if step != self._shown:
            self._shown = step
            self._stream.write(f"{_encodable(step, self._stream.encoding)}\n")
            self._stream.flush()

    def clear(self) -> None:
        """Each line has ended."""


def display_on(stream: TextIO, environment: Mapping[str, str]) -> ProgressDisplay:
    """The display for this stream."""
    if not stream.isatty():
        return NoDisplay()
    return StepDisplay(stream) if environment.get("TERM") == "dumb" else LineDisplay(stream)


def _columns() -> int:
    """In the last column some terminals begin a new line."""
    return shutil.get_terminal_size().columns - 1


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text
