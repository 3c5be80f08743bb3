"""What a child takes upon itself before it touches a byte of an input."""

import ctypes
import os
import resource
import signal
from contextlib import suppress

from penstock.engines.job import Bounds, Job

_PR_SET_PDEATHSIG = 1
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)


def confine(job: Job, parent: int) -> None:
    """Enter an own session, die with `parent`, and accept the job's bounds. A kernel jail belongs at the end."""
    os.setsid()
    _die_with(parent)
    _be_the_first_to_go()
    os.umask(0o077)
    for number in _RESTORED:
        signal.signal(number, signal.SIG_DFL)
    _accept(job.bounds)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _be_the_first_to_go() -> None:
    os.nice(10)
    # A `Path` would do, at the price of a hundred pages that every child touches for it.
    with suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)


def _accept(bounds: Bounds) -> None:
    wanted = {
        resource.RLIMIT_AS: bounds.memory_bytes,
        resource.RLIMIT_CPU: bounds.cpu_seconds,
        resource.RLIMIT_FSIZE: bounds.file_bytes,
        resource.RLIMIT_NOFILE: bounds.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in wanted.items():
        hard = resource.getrlimit(which)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (value, value))
