"""Lists the files of a local folder: one directory at a time in memory, links and special files with a problem."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penstock.domain.batch.entries import Entry
from penstock.domain.batch.globs import Glob
from penstock.domain.batch.naming import PARTS_FOLDER
from penstock.storage.locations.location_errors import translate_input_errors

LINK_OUT = "a symbolic link out of the source: not followed"
LINK_TO_FOLDER = "a symbolic link to a folder: not followed"
BROKEN_LINK = "a symbolic link to nothing"
SPECIAL_FILE = "no regular file: a pipe, socket or device"
UNREADABLE = "no right to read it"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: the folder, its path with links resolved, a pattern, and folders to leave out."""

    root: str
    real_root: str
    glob: Glob
    exclude: frozenset[str] = frozenset()

    def files(self) -> Iterator[Entry]:
        """Depth first, with a stack instead of recursion: a tree may be deeper than Python's limit."""
        with translate_input_errors():
            stack = [self._children("")]
        while stack:
            for found in stack[-1]:
                if isinstance(found, Entry):
                    yield found
                    continue
                try:
                    stack.append(self._children(found))
                except OSError:
                    yield _problem(found, UNREADABLE)
                    continue
                break
            else:
                stack.pop()
        with translate_input_errors():  # a source that vanished meanwhile is not a short one
            os.stat(self.root)  # noqa: PTH116

    def _children(self, folder: str) -> Iterator[Entry | str]:
        """The entries of a folder; those to be descended into as names. Raises `OSError`."""
        names = sorted(os.listdir(_joined(self.root, folder)))  # noqa: PTH208 (strings need half the memory)
        return self._entries(folder, names)

    def _entries(self, folder: str, names: Sequence[str]) -> Iterator[Entry | str]:
        for base in names:
            name = f"{folder}/{base}" if folder else base
            try:
                facts = os.lstat(_joined(self.root, name))
            except FileNotFoundError:  # it was removed meanwhile
                continue
            except OSError:
                yield _problem(name, UNREADABLE)
                continue
            if stat.S_ISDIR(facts.st_mode):
                if self._descends(name, base):
                    yield name
            elif (entry := self._entry(name, facts)) is not None:
                yield entry

    def _descends(self, name: str, base: str) -> bool:
        is_left_out = base == PARTS_FOLDER or name in self.exclude
        return not is_left_out and (self.glob.enters_hidden or not base.startswith("."))

    def _entry(self, name: str, facts: os.stat_result) -> Entry | None:
        """None if the pattern leaves it out. A linked folder is told anyway: its files may match."""
        if stat.S_ISLNK(facts.st_mode):
            entry = linked_entry(self.root, self.real_root, name)
            is_told = entry.problem == LINK_TO_FOLDER and not name.rpartition("/")[2].startswith(".")
            return entry if is_told or self.glob.matches(name) else None
        return entry_of(name, facts) if self.glob.matches(name) else None


def entry_of(name: str, facts: os.stat_result) -> Entry:
    """The entry of a file that is no link."""
    if not stat.S_ISREG(facts.st_mode):
        return _problem(name, SPECIAL_FILE)
    return Entry(name, facts.st_size, facts.st_mtime, str(facts.st_mtime_ns))


def linked_entry(root: str, real_root: str, name: str) -> Entry:
    """The entry of a symbolic link: that of the file it leads to, if this is inside the root."""
    path = _joined(root, name)
    try:
        facts = os.stat(path)  # noqa: PTH116
    except OSError:
        return _problem(name, BROKEN_LINK)
    if not is_inside(os.path.realpath(path), real_root):
        return _problem(name, LINK_OUT)
    if stat.S_ISDIR(facts.st_mode):
        return _problem(name, LINK_TO_FOLDER)
    return entry_of(name, facts)


def is_inside(real_path: str, real_root: str) -> bool:
    """Whether a resolved path is the resolved root or below it."""
    return real_path == real_root or real_path.startswith(real_root.rstrip("/") + "/")


def _problem(name: str, problem: str) -> Entry:
    return Entry(name, 0, None, "", problem)


def _joined(root: str, name: str) -> str:
    return f"{root}/{name}" if name else root
