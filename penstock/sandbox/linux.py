"""Calls of the Linux kernel that Python does not offer."""

import ctypes
import errno
import os
import struct
from functools import cache

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_CAPABILITY_VERSION = 0x2008_0522
_INSTRUCTION_BYTES = 8


def system_call(number: int, *arguments: bytes | int | None) -> int:
    """What the call of this number returns. Raises `OSError`."""
    return _checked(_libc().syscall(ctypes.c_long(number), *map(_argument, arguments)))


def prctl(option: int, *arguments: bytes | int | None) -> int:
    """What prctl(2) returns; arguments that are left out are 0. Raises `OSError`."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return _checked(_libc().prctl(ctypes.c_int(option), *map(_argument, padded)))


def set_capabilities(*, effective: int, permitted: int) -> None:
    """The capabilities of this thread (capset(2)), one bit for each of the first 32. Raises `OSError`."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    _checked(_libc().capset(header, struct.pack("=6I", effective, permitted, 0, 0, 0, 0)))


def filter_system_calls(program: bytes) -> None:
    """Have this program decide on all system calls of this process, for ever. Raises `OSError`."""
    code = ctypes.create_string_buffer(program, len(program))
    # `struct sock_fprog`: how many instructions, and where they are
    pointer = struct.pack("@HP", len(program) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, pointer)


def can_filter_system_calls() -> bool:
    """Whether the kernel has filters: then it looks for the program, which is not there."""
    try:
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, None)
    except OSError as error:
        return error.errno == errno.EFAULT
    return True


def _argument(value: bytes | int | None) -> object:
    return ctypes.c_ulong(value) if isinstance(value, int) else ctypes.c_char_p(value)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
