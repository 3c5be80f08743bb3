"""Runs a command that ends when its parent does: `python -m penstock.tether SIGNAL PARENT COMMAND…`.

The parent must start it from its main thread: the kernel sends the signal when the starting *thread* ends.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tethered(command: list[str], at_end: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command, tied to this process. Linux alone knows the tie; elsewhere the command as it is."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-m", "penstock.tether", str(int(at_end)), str(os.getpid()), *command]


def main(words: list[str]) -> None:
    at_end, parent, *command = words
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(at_end))
    if os.getppid() != int(parent):
        sys.exit(0)
    os.execvp(command[0], command)  # noqa: S606 - an argument list of our own, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
