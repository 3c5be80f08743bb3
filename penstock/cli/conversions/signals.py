"""What ends a conversion of the command line, beside Ctrl-C."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """In this block the end of the terminal and `kill` are interrupts: nobody would fetch the output. A signal that is
    ignored (`nohup`) stays so."""
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGHUP:  # to write to the terminal that has ended is an error
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
    raise KeyboardInterrupt
