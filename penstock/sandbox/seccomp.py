"""The system calls that a jailed child may make, as a filter program of the kernel (seccomp(2)).

An allow list: what is not on it fails with EPERM. What is newer than the list, and `clone3`, whose flags a filter
cannot read, fail with ENOSYS, after which a C library uses the older call. Which files are opened is left to Landlock;
what Landlock does not cover (sockets, modes and times of files, signals, other processes) is not on the list.
"""

import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Name, and number on x86-64 and on arm64; see syscalls(2). `-`: this architecture does not have it.
_FREE = (
    # open files
    "read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70",
    "preadv2 327 286, pwritev2 328 287, lseek 8 62, close 3 57, close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24",
    "fstat 5 80, fstatfs 138 44, ftruncate 77 46, fallocate 285 47, fsync 74 82, fdatasync 75 83, getdents64 217 61",
    "sync_file_range 277 84, fadvise64 221 223, readahead 187 213, copy_file_range 326 285, sendfile 40 71",
    "getdents 78 -, pipe 22 -, pipe2 293 59, eventfd2 290 19, poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72",
    # paths
    "open 2 -, openat 257 56, openat2 437 437, creat 85 -, stat 4 -, lstat 6 -, newfstatat 262 79, statx 332 291",
    "access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78, statfs 137 43, getcwd 79 17",
    "rename 82 -, renameat 264 38, renameat2 316 276, unlink 87 -, unlinkat 263 35, umask 95 166",
    # memory
    "mmap 9 222, munmap 11 215, mremap 25 216, mprotect 10 226, madvise 28 233, brk 12 214, mincore 27 232",
    "mlock 149 228, munlock 150 229, membarrier 324 283, msync 26 227, mseal 462 462, map_shadow_stack 453 453",
    # threads of the process, and its end
    "futex 202 98, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455, futex_requeue 456 456, rseq 334 293",
    "set_robust_list 273 99, get_robust_list 274 100, set_tid_address 218 96, exit 60 93, exit_group 231 94",
    "gettid 186 178, getpid 39 172, sched_yield 24 124, sched_getaffinity 204 123, sched_getparam 143 121",
    "sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126, arch_prctl 158 -",
    # signal handlers
    "rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136, rt_sigtimedwait 128 137",
    "rt_sigsuspend 130 133, sigaltstack 131 132, restart_syscall 219 128",
    # clocks and facts
    "clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, nanosleep 35 101, gettimeofday 96 169",
    "time 201 -, times 100 153, getrusage 98 165, uname 63 160, sysinfo 99 179, getrandom 318 278, getuid 102 174",
    "geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158",
    "getppid 110 173, getpgid 121 155, getpgrp 111 -, getsid 124 156, getpriority 140 141, getcpu 309 168",
    "getrlimit 97 163, capget 125 90",
)
# By their arguments, except `clone3`; `execve` for programs alone.
_CHECKED = (
    "clone 56 220, clone3 435 435, execve 59 221, fcntl 72 25, ioctl 16 29, kill 62 129, prctl 157 167"
    ", prlimit64 302 261, tgkill 234 131"
)
_NEWEST_NUMBER = 462
# AUDIT_ARCH_… of <linux/audit.h>: a process can change to the calls of 32-bit programs in the middle.
_ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}

_CLONE_THREAD, _CLONE_NEW_NAMESPACES = 0x0001_0000, 0x7E02_0000
# TCGETS and TIOCGWINSZ (is it a terminal?), FIONREAD, FIONCLEX, FIOCLEX
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ; F_SETOWN sends signals to others
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1032)
# PR_SET_NAME, PR_GET_NAME; PR_SET_PDEATHSIG would let a child outlive the service
_PRCTLS = (15, 16)
_THIS_PROCESS = (0,)
# Stands for the id of the process, which is not known when the program is made; no number in it is as large.
_OWN_ID = b"\x77\x77\x77\x77"

# <linux/bpf_common.h> and <linux/seccomp.h>
_LOAD, _RETURN, _IF_EQUAL, _IF_ABOVE, _IF_AT_LEAST, _IF_BITS = 0x20, 0x06, 0x15, 0x25, 0x35, 0x45
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_KILL_PROCESS, _ALLOW, _FAIL = 0x8000_0000, 0x7FFF_0000, 0x0005_0000
_INSTRUCTION_BYTES = 8


@dataclass(frozen=True, slots=True)
class SystemCallFilter:
    """A filter program in which the process's own id is still a placeholder."""

    template: bytes

    def of_process(self, pid: int) -> bytes:
        """The program for this process."""
        return self.template.replace(_OWN_ID, struct.pack("=I", pid))


def is_supported(machine: str) -> bool:
    """Whether the numbers of this architecture's system calls are known; `machine` as in `os.uname`."""
    return machine in _ARCHITECTURES


def system_call_filter(machine: str, *, executes: bool) -> SystemCallFilter:
    """The filter of a child; `executes`: it may execute programs, in its own place. Raises `KeyError` for an
    architecture that is not supported."""
    column, architecture = _ARCHITECTURES[machine]
    checked = _numbers((_CHECKED,), column)
    free = {*_numbers(_FREE, column).values(), *([checked["execve"]] if executes else [])}
    program = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_IF_EQUAL, architecture, skip_if_true=1),
        _instruction(_RETURN, _KILL_PROCESS),
        _instruction(_LOAD, _NUMBER_OFFSET),
        *(_when(checked[name], rule) for name, rule in _rules().items()),
        # Also refuses the x32 calls of x86-64, whose numbers begin at 2^30.
        _instruction(_IF_ABOVE, _NEWEST_NUMBER, skip_if_false=1),
        _fail(errno.ENOSYS),
        *_only(_ranges(free)),
    ]
    return SystemCallFilter(b"".join(program))


def _numbers(lines: tuple[str, ...], column: int) -> dict[str, int]:
    rows = [entry.split() for line in lines for entry in line.split(", ")]
    return {name: int(numbers[column]) for name, *numbers in rows if numbers[column] != "-"}


def _rules() -> dict[str, bytes]:
    """What to return for these calls, by their arguments. The names are those of `_CHECKED`."""
    own = struct.unpack("=I", _OWN_ID)
    return {
        "clone": _only_threads(),
        "clone3": _fail(errno.ENOSYS),
        "fcntl": _one_of(1, _FCNTLS),
        "ioctl": _one_of(1, _IOCTLS),
        "kill": _one_of(0, own),
        "prctl": _one_of(0, _PRCTLS),
        "prlimit64": _one_of(0, _THIS_PROCESS),
        "tgkill": _one_of(0, own),
    }


def _only_threads() -> bytes:
    """A thread is in its process: it ends with it, and counts against its limits."""
    return b"".join(
        (
            _load_argument(0),
            _instruction(_IF_BITS, _CLONE_NEW_NAMESPACES, skip_if_false=1),
            _fail(errno.EPERM),
            _instruction(_IF_BITS, _CLONE_THREAD, skip_if_false=1),
            _instruction(_RETURN, _ALLOW),
            _fail(errno.EPERM),
        )
    )


def _one_of(argument: int, values: tuple[int, ...]) -> bytes:
    """Allow the call if an argument is one of these. Its low 32 bits: these arguments are `int`."""
    allowed = [_instruction(_IF_EQUAL, value, skip_if_false=1) + _instruction(_RETURN, _ALLOW) for value in values]
    return b"".join((_load_argument(argument), *allowed, _fail(errno.EPERM)))


def _when(number: int, rule: bytes) -> bytes:
    return _instruction(_IF_EQUAL, number, skip_if_false=len(rule) // _INSTRUCTION_BYTES) + rule


def _only(ranges: list[tuple[int, int]]) -> Iterator[bytes]:
    """Allow these numbers, which are in rising order, and refuse all others."""
    for place, (first, last) in enumerate(ranges, 1):
        to_end = 2 * (len(ranges) - place)
        yield _instruction(_IF_ABOVE, last, skip_if_true=1)
        yield _instruction(_IF_AT_LEAST, first, skip_if_true=to_end + 1, skip_if_false=to_end)
    yield _fail(errno.EPERM)
    yield _instruction(_RETURN, _ALLOW)


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """The first and the last number of each run of consecutive ones, in rising order."""
    firsts = sorted(number for number in numbers if number - 1 not in numbers)
    lasts = sorted(number for number in numbers if number + 1 not in numbers)
    return list(zip(firsts, lasts, strict=True))


def _load_argument(argument: int) -> bytes:
    return _instruction(_LOAD, _ARGUMENTS_OFFSET + 8 * argument)


def _fail(number: int) -> bytes:
    return _instruction(_RETURN, _FAIL | number)


def _instruction(code: int, value: int, *, skip_if_true: int = 0, skip_if_false: int = 0) -> bytes:
    """One `struct sock_filter`."""
    return struct.pack("=HBBI", code, skip_if_true, skip_if_false, value)
