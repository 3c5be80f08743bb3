"""Equal conversions are done once: the output of an earlier one, and who makes the one that several wait for."""

from dataclasses import dataclass
from pathlib import Path

from penstock.domain.media import Media
from penstock.domain.receipt import Checks, Receipt
from penstock.domain.task import File, FileFacts


@dataclass(frozen=True, slots=True)
class EarlierOutput:
    """An output that an equal conversion reuses, with the checks of its receipt. `copy` is a local file with its bytes;
    None: they are linked."""

    file: File
    checks: Checks
    copy: Path | None = None


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """The verified output of an earlier attempt of the same task, which could not store or record it."""

    path: Path
    facts: FileFacts
    media: Media
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class MadeByAnother:
    """Another attempt is making the output of an equal conversion."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who makes the output of a conversion: nobody, where `earlier` is there to be reused; this attempt, if `is_ours`;
    else another attempt, which has to be waited for."""

    earlier: EarlierOutput | None = None
    is_ours: bool = False
