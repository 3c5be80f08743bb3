"""What a child needs to read apart from its job's files: shared libraries, and modules of Python loaded late."""

import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from penstock.sandbox.landlock import DEVICE, EXECUTING, READING, Reach

_LIBRARY_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store")
_LINKER_CACHE = "/etc/ld.so.cache"
# How many processors there are: some decoders start a thread for each.
_PROCESSORS = "/sys/devices/system/cpu"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
# An environment can name those of others.
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
_PYTHON_FOLDERS = ("stdlib", "platstdlib", "purelib", "platlib")


def runtime_reach(folders: Iterable[str]) -> list[Reach]:
    """The paths that every child may read; `folders` are those of Python and of our own code.

    The loader of programs is among the shared libraries, so they may be executed."""
    return [
        *((folder, EXECUTING) for folder in sorted({*_LIBRARY_FOLDERS, *_cached_library_folders()})),
        (_LINKER_CACHE, READING),
        (_PROCESSORS, READING),
        *((folder, READING) for folder in folders),
        *((device, DEVICE) for device in _DEVICES),
    ]


def program_reach(program: str) -> list[Reach]:
    """A program, and the shared libraries that some are installed with: in `lib`, beside its own folder."""
    libraries = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(program))), "lib")  # noqa: PTH118, PTH120
    return [(program, EXECUTING), (libraries, EXECUTING)]


def python_folders(packages: Iterable[str]) -> tuple[str, ...]:
    """Where modules of Python are, and these folders of packages: not the folder around them, which may have more."""
    installed = (path for path in sys.path if os.path.basename(path) in _PACKAGE_FOLDERS)  # noqa: PTH119
    return tuple(sorted({*(sysconfig.get_path(name) for name in _PYTHON_FOLDERS), *installed, *packages}))


def _cached_library_folders() -> set[str]:
    """The folders of all shared libraries that the linker's cache names, as for CUDA or in /opt."""
    try:
        cache = Path(_LINKER_CACHE).read_bytes()
    except OSError:
        return set()
    folders = {os.path.dirname(os.fsdecode(path)) for path in re.findall(rb"/[^\0]+\.so[^\0]*", cache)}  # noqa: PTH120
    return {folder for folder in folders if folder.strip("/")}
