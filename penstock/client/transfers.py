"""Uploads and downloads."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any

from penstock.client.answers import error_in
from penstock.client.calls import Answer, Call, FileBody, Outcome, Progress, Send, Sleep, Steps
from penstock.client.models import File, StoredFile
from penstock.client.operations import file as read_file
from penstock.client.operations import only
from penstock.client.retries import backoff, retry_delay
from penstock.errors import ContentMismatch, DiskFull, FileInUse, FileNotFound, ServiceUnreachable
from penstock.local_service import was_locked
from penstock.output_file import PREFIX, atomic_output, publish_part

# The service takes everything else for media.
MANIFEST_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonl", ".ndjson": "application/x-ndjson"}
# The service reads the whole upload, and probes it, before it answers.
UPLOAD_ANSWER_SECONDS = 600.0
DOWNLOAD_TRIES = 8
# A server that asks for a longer pause is an error, and the caller decides.
LONGEST_PAUSE_SECONDS = 60.0
BLOCK_BYTES = 1 << 20


def upload(path: str | PathLike[str], *, progress: Progress | None = None) -> Steps[StoredFile]:
    """Upload media, or the manifest of a Batch (.csv, .jsonl, .ndjson). `progress` is called with `sending` and the
    percentage. Of an upload that breaks off the service keeps nothing. Raises `ContentMismatch` if the file changes
    meanwhile."""
    place = Path(path)
    body = FileBody(
        place, place.stat().st_size, MANIFEST_TYPES.get(place.suffix.lower(), "application/octet-stream"), progress
    )
    # Names of files may be other bytes than UTF-8.
    name = place.name.encode(errors="surrogateescape").decode(errors="replace")
    named, seconds = {"name": name}, UPLOAD_ANSWER_SECONDS
    return only(Call("POST", "/files", StoredFile, named, file=body, is_repeatable=False, answer_seconds=seconds))


def download(
    stored: File | str, to: str | PathLike[str], *, overwrite: bool = False, resume: bool = False
) -> Steps[Path]:
    """Download a File, or the one with this id, to the path `to`, or into that folder under its id and format.

    The path is there whole and with the sha256 of the File, or not at all. A broken connection is continued. With
    `resume`, what an unsuccessful call has received is kept beside `to` for the next one.
    Raises `FileInUse` for an import that is not ready, `FileExistsError`, `DiskFull`, `ContentMismatch`,
    `ServiceUnreachable`."""
    known = _ready((yield from read_file(stored)) if isinstance(stored, str) else stored)
    target = _target(Path(to), known)
    if not overwrite and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "There is a file already", str(target))
    with _disk_errors(target), _part(target, known, overwrite=overwrite, resume=resume) as part:
        yield from _fill(Part(part, known.filesize), known)
    return target


class Part:
    """The bytes that have been received of a file, with their sha256."""

    def __init__(self, output: IO[bytes], size: int) -> None:
        self.output, self.size = output, size
        self.digest = hashlib.sha256()
        output.seek(0)
        while block := output.read(BLOCK_BYTES):
            self.digest.update(block)
        self.received = output.tell()
        self._is_new_answer = True
        if self.received > size:
            self.restart()

    def restart(self) -> None:
        self.output.seek(0)
        self.output.truncate()
        self.received, self.digest = 0, hashlib.sha256()

    def take(self, status: int, block: bytes) -> None:
        """A block of the answer to a request for what is missing; 200: of the whole file."""
        if status == 200 and self._is_new_answer:
            self.restart()
        self._is_new_answer = False
        self.output.write(block)
        self.digest.update(block)
        self.received += len(block)

    def missing(self) -> dict[str, str]:
        """The headers that ask for the rest."""
        self._is_new_answer = True
        plain = {"Accept-Encoding": "identity"}
        return plain | ({"Range": f"bytes={self.received}-"} if self.received else {})


def _ready(file: File) -> StoredFile:
    if file.sha256 is None:
        raise FileInUse(f"{file.id} is {file.status}: there is nothing to download.")
    return StoredFile(**vars(file))


def _fill(part: Part, known: StoredFile) -> Steps[None]:
    """Receive what is missing. A link that has expired is read anew."""
    current: File = known
    for tries in range(DOWNLOAD_TRIES):
        if part.received == part.size:
            break
        if current.url is None:
            current = yield from read_file(known.id)
        outcome = yield Send(_content(current, part))
        current = yield from _after(outcome, current, tries)
    if part.digest.hexdigest() != known.sha256:
        part.restart()
        raise ContentMismatch(f"The bytes that came are not those of {known.id}; nothing was written. Try again.")


def _content(file: File, part: Part) -> Call[None]:
    if file.url is None:
        raise FileNotFound(f"{file.id} is at its destination, not in the storage of the service.")
    return Call("GET", file.url, type(None), headers=part.missing(), sink=part.take)


def _after(outcome: Outcome, current: File, tries: int) -> Steps[File]:
    """The File to go on with. Raises the error of the answer where it is of no use to go on."""
    if isinstance(outcome, Answer) and outcome.status == 401 and tries == 0:
        renewed: File = yield from read_file(current.id)
        return renewed
    if isinstance(outcome, Answer) and outcome.status in (200, 206):
        return current
    delay = retry_delay(outcome, tries, is_repeatable=True)
    if delay is None or delay > LONGEST_PAUSE_SECONDS or tries == DOWNLOAD_TRIES - 1:
        raise error_in(outcome) if isinstance(outcome, Answer) else _broken(outcome)
    yield Sleep(max(delay, backoff(tries)))
    return current


def _broken(outcome: Any) -> ServiceUnreachable:
    return ServiceUnreachable(f"The connection to {outcome.address} broke off: {outcome.reason}.")


def _target(to: Path, file: StoredFile) -> Path:
    return to / Path(f"{file.id}.{file.format}").name if to.is_dir() else to


@contextmanager
def _part(target: Path, file: StoredFile, *, overwrite: bool, resume: bool) -> Iterator[IO[bytes]]:
    # Named by its content: another version of the file is another part.
    path = (target.resolve() if overwrite else target).parent / f"{PREFIX}{file.sha256[:32]}.part"
    kept = _kept_part(path) if resume else None
    if kept is None:
        with atomic_output(target, overwrite=overwrite) as output:
            yield output
        return
    with kept:
        yield kept
        publish_part(kept, path, target, overwrite=overwrite)


def _kept_part(path: Path) -> IO[bytes] | None:
    """The part of an earlier download, or a new one; None while another download of the same content has it: what is
    written to it after that has published it would change the published file."""
    part = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    if _is_locked(part) and _is_at(part, path):
        return part
    part.close()
    return None


def _is_locked(part: IO[bytes]) -> bool:
    import fcntl  # noqa: PLC0415 - Windows has none

    return was_locked(part.fileno(), fcntl.LOCK_EX, 1)


def _is_at(part: IO[bytes], path: Path) -> bool:
    """Whether the file at this path is still the part."""
    try:
        return os.path.samestat(os.fstat(part.fileno()), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(f"The disk of {target.parent} is full; nothing was written.") from error
