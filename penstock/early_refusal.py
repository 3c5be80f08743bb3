"""What a task need not download to refuse: its input is looked at as a plan looks at it, while the rest waits."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock import engines
from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.compatibility import CONTAINERS, INDEXED_CONTAINERS, Pair, is_final, is_final_by_index
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest
from penstock.dry_run import watch_with_deadline
from penstock.storage.download import OngoingDownload
from penstock.storage.peek import partial_file_of_download

# An origin that is not read from for a minute may hang up; the look is over long before.
LOOK_SECONDS = 10.0
# What a look may find that no other part of the input, and no other try, would change.
Lasting = Callable[[errors.MediaError], bool]
_LASTING = (errors.InputUnreadable, errors.InputTruncated, errors.InputLimitsExceeded, errors.InputQuarantined)


@dataclass(frozen=True, slots=True)
class EarlyCheck:
    """The look of a task at its input. `most` is how many bytes it may ask for. Raises the refusal that the task would
    end with; what it cannot see yet it lets pass."""

    request: SourceRequest
    tools: engines.Tools
    allowed_pairs: frozenset[Pair]
    most: int
    watch: engines.Watch

    def __call__(self, arriving: OngoingDownload) -> None:
        total = arriving.answer.total
        if (container := _container(arriving.path)) is None:
            return
        self._require_fitting(container, total or 0)
        if (
            total is not None
            and container in INDEXED_CONTAINERS
            and (media := self._surveyed(arriving, total, container))
        ):
            self._require_possible(media, lambda refusal: is_final_by_index(refusal, self.request, container, media))
        elif media := self._glanced(arriving.path):
            self._require_possible(media, lambda refusal: is_final(refusal, container))

    def _require_fitting(self, container: str, total: int) -> None:
        largest = max(CONTAINERS[container].kinds, key=self.tools.limits.input_bytes)
        self.tools.limits.require_fitting(largest, total)

    def _require_possible(self, media: Media, lasting: Lasting) -> None:
        try:
            plan_for(self.request, media, self.tools.limits, self.allowed_pairs)
        except (errors.RequestError, errors.InputError) as refusal:
            if lasting(refusal):
                raise

    def _surveyed(self, arriving: OngoingDownload, total: int, container: str) -> Media | None:
        """What the header and the index say; None where they cannot be had from this origin."""
        try:
            with (
                partial_file_of_download(arriving, total, self.most, LOOK_SECONDS) as parts,
                watch_with_deadline(LOOK_SECONDS, self.watch.stopped) as watch,
            ):
                return engines.probe_remote(parts, self.tools, watch)
        except (errors.InputError, errors.EngineError, errors.PlatformError) as fault:
            if _is_lasting(fault) and is_final_by_index(fault, self.request, container, None):
                raise
            return None

    def _glanced(self, path: Path) -> Media | None:
        """What the beginning alone says. It may be too little, or too much for a decoder that can read the whole."""
        try:
            return engines.probe_header(path, self.tools, self.watch)
        except (errors.InputUnreadable, errors.InputTruncated, errors.EngineError):
            return None


def _is_lasting(fault: errors.MediaError) -> bool:
    return isinstance(fault, _LASTING) and not isinstance(fault, errors.ProbeLimitExceeded)


def _container(path: Path) -> str | None:
    """What the input is; None where a long tag hides that. Raises `InputUnreadable` for what is no media."""
    try:
        return engines.sniff(path).container
    except errors.InputUnreadable:
        with path.open("rb") as file:
            if file.read(3) == b"ID3":
                return None
        raise
