"""Why a child process was killed."""

import signal

from penstock.sandbox.supervise import Exit

_BY_SIGNAL: dict[int, str] = {
    signal.SIGKILL: "memory",  # of the machine, or by a person
    signal.SIGXCPU: "processor time",
    signal.SIGXFSZ: "file size",
    signal.SIGSYS: "forbidden call",
}


def kill_cause(ended: Exit) -> str | None:
    """`deadline`, `stalled`, `cancelled`, `lost` (its supervisor died), by a signal, or `crash`; None if it exited by
    itself."""
    if ended.reason != "exited":
        return ended.reason
    if ended.status >= 0:
        return None
    return _BY_SIGNAL.get(-ended.status, "crash")
