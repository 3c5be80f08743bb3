"""Ties a process to its parent: it ends when the parent does. Linux alone knows the tie; elsewhere nothing is tied.

The parent must start it from its main thread: the kernel sends the signal when the starting *thread* ends.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


def die_with_parent(parent: int, at_end: signal.Signals) -> None:
    """Tie this process to its parent; ends it at once where the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(at_end))
    if os.getppid() != parent:
        sys.exit(0)


def set_process_name(name: str) -> None:
    """Name this process as `ps` and `top` show it (15 bytes of it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())
