"""Which files a jailed child may open, and for what (Landlock, landlock(7)). Only Linux has it, since 5.13."""

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from penstock.sandbox.linux import system_call

# The numbers are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
# LANDLOCK_ACCESS_FS_… of <linux/landlock.h>
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REGULAR = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
# By the version of the kernel's interface: all kinds of access to files that it can forbid.
_ALL_FILE_ACCESS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_ALL_TCP, _SINCE_TCP = 0b11, 4
# Abstract Unix sockets, and signals to processes outside of the jail
_ALL_SCOPES, _SINCE_SCOPES = 0b11, 6

READING = _READ_FILE | _READ_DIR
EXECUTING = READING | _EXECUTE
DEVICE = _READ_FILE | _WRITE_FILE
# No links, pipes or folders: the service opens what it finds in an output folder.
WRITING = READING | _WRITE_FILE | _TRUNCATE | _MAKE_REGULAR | _REMOVE_FILE

# A path, and what may be done with the file, or with everything in the folder.
Reach = tuple[str, int]
# The same for an open descriptor.
OpenReach = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Handled:
    """What a set of rules forbids where no rule allows it: access to files, TCP, and what leaves the jail. Bits."""

    files: int
    tcp: int
    scopes: int

    @property
    def attributes(self) -> bytes:
        """`struct landlock_ruleset_attr`, as long as this version of the interface knows it."""
        fields = [self.files, self.tcp, self.scopes]
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        return struct.pack(f"={len(fields)}Q", *fields)


def handled_by(version: int) -> Handled:
    """Everything that a kernel with this version of the interface, 1 or higher, can forbid."""
    files = _ALL_FILE_ACCESS[max(since for since in _ALL_FILE_ACCESS if since <= version)]
    return Handled(
        files=files, tcp=_ALL_TCP if version >= _SINCE_TCP else 0, scopes=_ALL_SCOPES if version >= _SINCE_SCOPES else 0
    )


def landlock_version() -> int:
    """The version of the kernel's interface; 0 if it has none, or if a container forbids to ask."""
    try:
        return system_call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def opened(reach: Iterable[Reach]) -> Iterator[OpenReach]:
    """Descriptors for the paths that exist; they can be opened once for many children."""
    for path, access in reach:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            yield os.open(path, os.O_PATH | os.O_CLOEXEC), access


def restrict_files(handled: Handled, shared: Iterable[OpenReach], own: Iterable[Reach]) -> None:
    """Allow this process, which must have `no_new_privs`, no more than that for the rest of its life. Raises
    `OSError`."""
    attributes = handled.attributes
    rules = system_call(_CREATE_RULESET, attributes, len(attributes), 0)
    for descriptor, access in shared:
        _add_rule(rules, descriptor, access & handled.files)
    # One after another: a child may have few open files, and a group has many paths.
    for descriptor, access in opened(own):
        _add_rule(rules, descriptor, access & handled.files)
        os.close(descriptor)
    system_call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _add_rule(rules: int, descriptor: int, access: int) -> None:
    rule = struct.pack("=Qi", _access_to(descriptor, access), descriptor)
    system_call(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)


def _access_to(descriptor: int, access: int) -> int:
    """A rule for a file must not name what only folders allow."""
    is_folder = os.fstat(descriptor).st_mode & 0o170000 == 0o040000
    return access if is_folder else access & _FOR_FILES
