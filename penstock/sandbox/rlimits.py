"""What a child does to itself before it reads a byte of an input: its own session, resource limits, low priority."""

import os
import resource
import signal
from contextlib import suppress

from penstock.sandbox.job import Job, Rlimits
from penstock.sandbox.parent_death import die_with_parent

_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)


def restrict(job: Job, parent: int) -> None:
    """Start a session, die with the process `parent`, and take the job's resource limits."""
    os.setsid()
    die_with_parent(parent, signal.SIGKILL)
    _lower_priority(job.rlimits.niceness)
    os.umask(0o077)
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _set_limits(job.rlimits)


def _lower_priority(niceness: int) -> None:
    """The kernel runs a child after the service, and kills it first when memory is short."""
    os.nice(niceness)
    # `pathlib` would make every child touch a hundred more memory pages.
    with suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)


def _set_limits(rlimits: Rlimits) -> None:
    values = {
        resource.RLIMIT_AS: rlimits.memory_bytes,
        resource.RLIMIT_CPU: rlimits.cpu_seconds,
        resource.RLIMIT_FSIZE: rlimits.file_bytes,
        resource.RLIMIT_NOFILE: rlimits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, wanted in values.items():
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (value, value))
