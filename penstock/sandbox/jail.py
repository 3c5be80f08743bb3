"""The jail of a child: what it can reach once it reads an untrusted input. Its job declares that.

The fork server prepares it once; each child enters it before its job, and cannot leave it. Four parts: no new
privileges, no capabilities, Landlock for files, and a filter of system calls for everything else.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from penstock.sandbox.job import CallsJob, JailMode, Job, ProgramJob
from penstock.sandbox.landlock import (
    READING,
    WRITING,
    Handled,
    OpenReach,
    Reach,
    handled_by,
    landlock_version,
    opened,
    restrict_files,
)
from penstock.sandbox.linux import can_filter_system_calls, filter_system_calls, prctl, set_capabilities
from penstock.sandbox.runtime_files import program_reach, python_folders, runtime_reach
from penstock.sandbox.seccomp import SystemCallFilter, is_supported, system_call_filter

# <linux/prctl.h>, <linux/capability.h>
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _CAP_DAC_READ_SEARCH = 24, 38, 2
_FIRST_KEPT_DESCRIPTOR = 128
_NO_CAPABILITIES, _READ_ANY_FILE = 0, 1 << _CAP_DAC_READ_SEARCH


class JailFailed(Exception):
    """A child could not be jailed; it must not do its job."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What this machine offers. `landlock` is the version of its interface, 0 without it."""

    machine: str
    landlock: int
    filters: bool


@dataclass(frozen=True, slots=True)
class JailParts:
    """The parts that are in force, with those that are missing, for people to read."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Jail:
    """What a fork server prepares for its children. `handled` is None without Landlock, the filters without seccomp.

    `lacks` is what is missing although it is required: then no child may start."""

    lacks: tuple[str, ...]
    handled: Handled | None
    runtime: tuple[OpenReach, ...]
    python_folders: tuple[str, ...]
    call_filter: SystemCallFilter | None
    program_filter: SystemCallFilter | None


def this_kernel() -> Kernel:
    """Asks the kernel."""
    return Kernel(os.uname().machine, landlock_version(), can_filter_system_calls())


def parts_on(kernel: Kernel) -> JailParts:
    """What a jail has there. Every version of Landlock will do: the filter refuses what older ones do not."""
    present, missing = ["no new privileges", "no capabilities"], []
    if kernel.landlock:
        present.append(f"Landlock {kernel.landlock}")
    else:
        missing.append("Landlock (Linux 5.13 or newer, with landlock among the security modules)")
    if not is_supported(kernel.machine):
        missing.append(f"the filter of system calls (x86_64 or aarch64, not {kernel.machine})")
    elif not kernel.filters:
        missing.append("the filter of system calls (a kernel with seccomp)")
    else:
        present.append("a filter of system calls")
    return JailParts(tuple(present), tuple(missing))


def prepared_jail(mode: JailMode, kernel: Kernel, packages: tuple[str, ...]) -> Jail | None:
    """The jail of the children of this fork server; `packages` are the folders of its own code. None if it is off."""
    if mode == "off":
        return None
    _lower_capability_bound()
    folders = python_folders(packages)
    filters = kernel.filters and is_supported(kernel.machine)
    return Jail(
        lacks=parts_on(kernel).missing if mode == "require" else (),
        handled=handled_by(kernel.landlock) if kernel.landlock else None,
        runtime=tuple(_kept_open(opened(runtime_reach(folders)))) if kernel.landlock else (),
        python_folders=folders,
        call_filter=system_call_filter(kernel.machine, executes=False) if filters else None,
        program_filter=system_call_filter(kernel.machine, executes=True) if filters else None,
    )


def _kept_open(reach: Iterable[OpenReach]) -> Iterator[OpenReach]:
    """The same with descriptors above those that a child rearranges."""
    for descriptor, access in reach:
        yield fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_KEPT_DESCRIPTOR), access
        os.close(descriptor)


def enter(jail: Jail, job: Job) -> None:
    """Restrict this process to what the job needs, for ever. Raises `JailFailed`."""
    if jail.lacks:
        raise JailFailed(f"PENSTOCK_JAIL is require, and this machine lacks {' and '.join(jail.lacks)}")
    try:
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        if jail.handled:
            restrict_files(jail.handled, jail.runtime, _declared_reach(job))
        _drop_capabilities(_needed_paths(jail, job))
        if filter_program := _filter_of(jail, job):
            filter_system_calls(filter_program.of_process(os.getpid()))
    except OSError as error:
        raise JailFailed(f"this child cannot be jailed: {error}") from error


def _declared_reach(job: Job) -> set[Reach]:
    reach = {(path, READING) for path in job.paths.reading} | {(path, WRITING) for path in job.paths.writing}
    match job:
        case ProgramJob():
            return {*reach, *program_reach(job.argv[0])}
        case CallsJob():
            return reach


def _needed_paths(jail: Jail, job: Job) -> tuple[str, ...]:
    """What the child has to be able to open for reading."""
    match job:
        case ProgramJob():
            return (job.argv[0], *job.paths.reading)
        case CallsJob():
            return (*jail.python_folders, *job.paths.reading)


def _filter_of(jail: Jail, job: Job) -> SystemCallFilter | None:
    match job:
        case ProgramJob():
            return jail.program_filter
        case CallsJob():
            return jail.call_filter


def _lower_capability_bound() -> None:
    """No program of a child can regain more than reading any file. Only root may do this, and only root needs it."""
    with suppress(OSError):  # at last for the number after the last capability
        for capability in range(64):
            if capability != _CAP_DAC_READ_SEARCH:
                prctl(_PR_CAPBSET_DROP, capability)


def _drop_capabilities(paths: tuple[str, ...]) -> None:
    """Of root's capabilities a child keeps one if its input is another user's: to read every file that it may reach."""
    try:
        set_capabilities(effective=_NO_CAPABILITIES, permitted=_READ_ANY_FILE)
    except PermissionError:  # it has none
        set_capabilities(effective=_NO_CAPABILITIES, permitted=_NO_CAPABILITIES)
        return
    kept = _NO_CAPABILITIES if all(map(_is_readable, paths)) else _READ_ANY_FILE
    set_capabilities(effective=kept, permitted=kept)


def _is_readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except PermissionError:
        return False
    except OSError:
        return True
    return True
