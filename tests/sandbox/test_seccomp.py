"""The filter of system calls, run instruction by instruction: for both architectures, also where this is another."""

import errno
import struct

import pytest

from penstock.sandbox.seccomp import system_call_filter

KILL, ALLOW, FAIL = 0x80000000, 0x7FFF0000, 0x00050000
PID = 4711
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}
NUMBERS = {
    "x86_64": {"read": 0, "openat": 257, "socket": 41, "clone": 56, "kill": 62, "ptrace": 101, "execve": 59}
    | {"prctl": 157, "prlimit64": 302, "fcntl": 72, "ioctl": 16},
    "aarch64": {"read": 63, "openat": 56, "socket": 198, "clone": 220, "kill": 129, "ptrace": 117, "execve": 221}
    | {"prctl": 167, "prlimit64": 261, "fcntl": 25, "ioctl": 29},
}
MACHINES = sorted(NUMBERS)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("read", (), ALLOW),
        ("openat", (), ALLOW),
        ("socket", (), FAIL | errno.EPERM),
        ("ptrace", (), FAIL | errno.EPERM),
        ("clone", (0x3D0F00,), ALLOW),  # a thread, as glibc starts it
        ("clone", (0x1200011,), FAIL | errno.EPERM),  # a process
        ("clone", (0x3D0F00 | 0x10000000,), FAIL | errno.EPERM),  # in a new user namespace
        ("kill", (PID,), ALLOW),
        ("kill", (1,), FAIL | errno.EPERM),
        ("kill", (-1,), FAIL | errno.EPERM),
        ("prctl", (15,), ALLOW),  # PR_SET_NAME
        ("prctl", (1,), FAIL | errno.EPERM),  # PR_SET_PDEATHSIG
        ("prlimit64", (0,), ALLOW),
        ("prlimit64", (1,), FAIL | errno.EPERM),
        ("fcntl", (0, 1030), ALLOW),  # F_DUPFD_CLOEXEC
        ("fcntl", (0, 8), FAIL | errno.EPERM),  # F_SETOWN
        ("ioctl", (0, 0x5401), ALLOW),  # TCGETS
        ("ioctl", (0, 0x5412), FAIL | errno.EPERM),  # TIOCSTI
    ],
)
def test_a_call_is_answered_by_its_number_and_arguments(machine, name, arguments, answer):
    assert _answer(machine, NUMBERS[machine][name], arguments) == answer


@pytest.mark.parametrize("machine", MACHINES)
def test_only_programs_may_be_executed_by_programs(machine):
    execve = NUMBERS[machine]["execve"]
    assert _answer(machine, execve) == FAIL | errno.EPERM
    assert _answer(machine, execve, executes=True) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("number", [435, 463, 2**30, 2**30 + 41])
def test_clone3_newer_calls_and_those_of_x32_do_not_exist(machine, number):
    assert _answer(machine, number) == FAIL | errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_a_call_of_another_architecture_ends_the_process(machine):
    assert _answer(machine, 0, architecture="i386") == KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("executes", [True, False])
def test_what_leaves_the_process_is_refused(machine, executes):
    answers = {name: _answer(machine, number, executes=executes) for name, number in _leaving(machine).items()}
    assert set(answers.values()) == {FAIL | errno.EPERM}, answers


# Name, and number on x86-64 and on arm64
LEAVING = (
    "socket 41 198, socketpair 53 199, connect 42 203, accept4 288 242, bind 49 200, listen 50 201, sendto 44 206",
    "sendmsg 46 211, recvmsg 47 212, fork 57 -, vfork 58 -, unshare 272 97, setns 308 268, ptrace 101 117",
    "process_vm_readv 310 270, process_vm_writev 311 271, pidfd_open 434 434, pidfd_getfd 438 438",
    "pidfd_send_signal 424 424, rt_sigqueueinfo 129 138, tkill 200 130, setsid 112 157, setpgid 109 154",
    "wait4 61 260, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, mknod 133 -, mknodat 259 33",
    "mkdir 83 -, mkdirat 258 34, rmdir 84 -, truncate 76 45, chmod 90 -, fchmod 91 52, fchmodat 268 53",
    "fchmodat2 452 452, chown 92 -, fchown 93 55, fchownat 260 54, utime 132 -, utimes 235 -, utimensat 280 88",
    "setxattr 188 5, fsetxattr 190 7, mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51",
    "fsopen 430 430, open_tree 428 428, mount_setattr 442 442, bpf 321 280, perf_event_open 298 241",
    "io_uring_setup 425 425, userfaultfd 323 282, keyctl 250 219, add_key 248 217, request_key 249 218",
    "memfd_create 319 279, execveat 322 281, seccomp 317 277, personality 135 92, setuid 105 146",
    "setresuid 117 147, capset 126 91, setrlimit 160 164, shmget 29 194, mq_open 240 180, inotify_init1 294 26",
    "fanotify_init 300 262, open_by_handle_at 304 265, kexec_load 246 104, init_module 175 105, reboot 169 142",
)


def _leaving(machine):
    """The numbers that this architecture has, by name."""
    column = {"x86_64": 1, "aarch64": 2}[machine]
    rows = [entry.split() for line in LEAVING for entry in line.split(", ")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def _answer(machine, number, arguments=(), architecture=None, *, executes=False):
    """What the kernel would do: it runs the program on the call's number, architecture, address and arguments."""
    padded = [value & 2**64 - 1 for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    call = struct.pack("=IIQ6Q", number, ARCHITECTURES[architecture or machine], 0, *padded)
    program = list(struct.iter_unpack("=HBBI", system_call_filter(machine, executes=executes).of_process(PID)))
    place, value = 0, 0
    while True:
        code, if_true, if_false, operand = program[place]
        place += 1
        match code:
            case 0x06:
                return operand
            case 0x20:
                (value,) = struct.unpack_from("=I", call, operand)
            case _:
                place += if_true if _holds(code, value, operand) else if_false


def _holds(code, value, operand):
    return {0x15: value == operand, 0x25: value > operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
