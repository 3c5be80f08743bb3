"""Says what of the jail is in force, after a child has tried everything that it must not be able to do."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.forbidden_acts import Attempts, TrialPaths
from penstock.sandbox.jail import JailParts, parts_on, this_kernel
from penstock.sandbox.job import JailMode, Paths
from penstock.sandbox.pool import SandboxPool

_LOG = logging.getLogger(__name__)
_SECONDS, _MEMORY_BYTES, _FILE_BYTES = 10.0, 2**31, 2**20
_ATTEMPTS: ResultDecoder[Attempts] = ResultDecoder(TypeAdapter(Attempts))


@dataclass(frozen=True, slots=True)
class JailState:
    """`attempts` is None if nothing was tried: because the jail is off, or because no child could be started."""

    mode: JailMode
    parts: JailParts
    attempts: Attempts | None

    @property
    def is_complete(self) -> bool:
        return not self.parts.missing and self.attempts is not None and not self.attempts.allowed

    def __str__(self) -> str:
        if self.mode == "off":
            return "off: a decoder that is taken over has this user's rights"
        missing = f"; missing: {', '.join(self.parts.missing)}" if self.parts.missing else ""
        return f"{', '.join(self.parts.present)}{missing}; {_said(self.attempts)}"


@cache
def jail_state(pool: SandboxPool) -> JailState:
    """Tried once for each pool, which takes 10 to 40 ms. Raises nothing, so that a service without a jail starts."""
    parts = parts_on(this_kernel())
    if pool.jail == "off":
        return JailState(pool.jail, JailParts((), (*parts.present, *parts.missing)), None)
    try:
        return JailState(pool.jail, parts, try_jail(pool))
    except (errors.MediaError, OSError) as error:
        _LOG.warning("the jail could not be tried: %s", error)
        return JailState(pool.jail, parts, None)


def log_jail_state(pool: SandboxPool) -> None:
    """In a thread, because nothing that starts should wait for it."""
    Thread(target=_log, args=(pool,), daemon=True).start()


def _log(pool: SandboxPool) -> None:
    state = jail_state(pool)
    _LOG.log(logging.INFO if state.is_complete else logging.WARNING, "jail (%s): %s", state.mode, state)


def _said(attempts: Attempts | None) -> str:
    if attempts is None:
        return "not tried"
    if attempts.allowed:
        return f"a child can still: {', '.join(attempts.allowed)}"
    return f"all {len(attempts.refused)} forbidden acts refused"


def try_jail(pool: SandboxPool) -> Attempts:
    """What a child of this pool can do. Raises `MediaError`, or `OSError` if nothing can be prepared for it."""
    with trial_paths() as paths:
        request = SandboxCall(
            function="try_forbidden_acts",
            arguments=(paths,),
            paths=Paths((paths.source,), (paths.output,)),
            seconds=_SECONDS,
            memory_bytes=_MEMORY_BYTES,
            file_bytes=_FILE_BYTES,
        )
        return call(pool, request, _ATTEMPTS)


@contextmanager
def trial_paths() -> Iterator[TrialPaths]:
    """What a trial is made with, for as long as the block lasts."""
    with TemporaryDirectory(prefix="penstock-jail-") as name, socket.create_server(("127.0.0.1", 0)) as listener:
        root = Path(name)
        source, output, outside = root / "in" / "input", root / "out", root / "outside"
        for folder in (source.parent, output, outside):
            folder.mkdir()
        source.write_bytes(b"input")
        (outside / "secret").write_bytes(b"secret")
        (outside / "program").write_bytes(b"no program")
        (outside / "program").chmod(0o700)
        with socket.socket(socket.AF_UNIX) as unix_listener:
            unix_listener.bind(str(outside / "socket"))
            unix_listener.listen()
            port = listener.getsockname()[1]
            yield TrialPaths(str(source), str(output), str(outside), port, str(outside / "socket"))
