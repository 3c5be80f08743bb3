"""Refuses an impossible conversion before its input is downloaded: probes the first bytes and, where there is one, the
index, while the rest of the download waits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock import engines
from penstock.conversion.input_prober import InputProber, watch_with_deadline
from penstock.domain import errors
from penstock.domain.formats import KINDS, Kind
from penstock.domain.media import Media
from penstock.domain.planning.compatibility import INDEXED_CONTAINERS, is_final, is_final_by_index
from penstock.domain.planning.matrix import CONTAINERS, Pair
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest
from penstock.storage.download import OngoingDownload
from penstock.storage.locations.location import Location
from penstock.storage.partial_download import partial_file_of_download

# An origin may hang up after a minute without reads; the probe ends long before.
PROBE_SECONDS = 10.0
# A file in a folder or prefix of at most this size is fetched as fast as its beginning and its end are.
SMALL_BYTES = 8 * 2**20
IsFinal = Callable[[errors.MediaError], bool]
# Errors of a probe that neither the rest of the input nor another try would change.
_FINAL_ERRORS = (errors.InputUnreadable, errors.InputTruncated, errors.InputLimitsExceeded, errors.InputQuarantined)


@dataclass(frozen=True, slots=True)
class EarlyCheck:
    """Called by `download` with the beginning of an input; may request `max_bytes` more of it. Raises the error that
    the task would fail with. What it cannot decide yet, it lets pass."""

    request: SourceRequest
    tools: engines.Tools
    allowed_pairs: frozenset[Pair]
    max_bytes: int
    watch: engines.Watch

    def __call__(self, ongoing: OngoingDownload) -> None:
        total = ongoing.response.total
        if (container := _container(ongoing.path)) is None:
            return
        self._require_fitting(container, total or 0)
        if (
            total is not None
            and container in INDEXED_CONTAINERS
            and (media := self._probe_index(ongoing, total, container))
        ):
            self._require_possible(media, lambda error: is_final_by_index(error, self.request, container, media))
        elif media := self._probe_header(ongoing.path):
            self._require_possible(media, lambda error: is_final(error, container))

    def check_located(self, location: Location, name: str, prober: InputProber) -> None:
        """The same for a file in a folder or prefix, before any of it is fetched. One that is missing passes."""
        entry = location.stat(name)
        self._require_fitting_any(KINDS, entry.size if entry else 0)
        if entry is None or entry.size <= SMALL_BYTES:
            return
        try:
            media = prober.probe_location(location, name, self.watch.stopped).media
        except (errors.InputError, errors.EngineError, errors.StorageUnavailable):
            return
        if media.container in INDEXED_CONTAINERS:
            self._require_possible(media, lambda error: is_final_by_index(error, self.request, media.container, media))
        else:
            self._require_possible(media, lambda error: is_final(error, media.container))

    def _require_fitting(self, container: str, total: int) -> None:
        self._require_fitting_any(CONTAINERS[container].kinds, total)

    def _require_fitting_any(self, kinds: Sequence[Kind], total: int) -> None:
        self.tools.limits.require_fitting(max(kinds, key=self.tools.limits.input_bytes), total)

    def _require_possible(self, media: Media, final: IsFinal) -> None:
        try:
            plan_for(self.request, media, self.tools.limits, self.allowed_pairs)
        except (errors.RequestError, errors.InputError) as error:
            if final(error):
                raise

    def _probe_index(self, ongoing: OngoingDownload, total: int, container: str) -> Media | None:
        """The facts of the header and the index; None where this origin does not serve them."""
        try:
            with (
                partial_file_of_download(ongoing, total, self.max_bytes, PROBE_SECONDS) as partial_file,
                watch_with_deadline(PROBE_SECONDS, self.watch.stopped) as watch,
            ):
                return engines.probe_remote(partial_file, self.tools, watch)
        except (errors.InputError, errors.EngineError, errors.PlatformError) as error:
            if _is_final(error) and is_final_by_index(error, self.request, container, None):
                raise
            return None

    def _probe_header(self, path: Path) -> Media | None:
        """The facts of the beginning alone; None where they need more of the input than that."""
        try:
            return engines.probe_header(path, self.tools, self.watch)
        except (errors.InputUnreadable, errors.InputTruncated, errors.EngineError):
            return None


def _is_final(error: errors.MediaError) -> bool:
    return isinstance(error, _FINAL_ERRORS) and not isinstance(error, errors.ProbeLimitExceeded)


def _container(path: Path) -> str | None:
    """The input's container; None where a long ID3 tag hides it. Raises `InputUnreadable` for what is no media."""
    try:
        return engines.sniff(path).container
    except errors.InputUnreadable:
        with path.open("rb") as file:
            if file.read(3) == b"ID3":
                return None
        raise
