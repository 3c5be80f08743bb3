"""The output of an equal conversion in place of another encode: how it is found, and what its task says."""

from collections.abc import Callable, Mapping, Sequence

from penstock import engines
from penstock.domain.ids import TaskId
from penstock.domain.media import Media
from penstock.domain.planning.cost import Estimate
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.recipe import conversion_digest
from penstock.domain.planning.steps import reuse_summary
from penstock.domain.receipt import InputFacts, Receipt, Work
from penstock.domain.reuse import EarlierOutput, KeptOutput, MadeByAnother
from penstock.domain.stages import Original, Reuse
from penstock.domain.task import Task

# The output of the conversion with this digest; None: there is none, so it has to be made.
FindEarlier = Callable[[str], EarlierOutput | KeptOutput | None]

# The same for several tasks with their digests. Tasks that are not in the result are converted.
FindEachEarlier = Callable[[Sequence[tuple[Task, str]]], Mapping[TaskId, EarlierOutput | MadeByAnother]]

# No later estimate learns from what was not encoded.
_NO_COST = ("reuse", Estimate(0, 0.0))


def nothing_earlier(_digest: str) -> None:
    """Convert everything anew."""


def nothing_earlier_of_each(_wanted: Sequence[tuple[Task, str]]) -> dict[TaskId, EarlierOutput | MadeByAnother]:
    """Convert each of them anew."""
    return {}


def digest_of(input_sha256: str, plan: Plan, media: Media, tools: engines.Tools) -> str:
    """The digest of a conversion; `media` is its input's."""
    argv = engines.public_command(plan, media, tools)
    return conversion_digest(input_sha256, plan, argv, engines.tool_versions(tools))


def reuse_of(original: Original, plan: Plan, earlier: EarlierOutput, tools: engines.Tools) -> Reuse:
    """The receipt has the checks of the earlier output; nothing was run for it."""
    summary = reuse_summary(plan, earlier.file.id)
    work = Work(summary, argv=[], tools=engines.tool_versions(tools), wall_seconds=0.0, cpu_seconds=0.0)
    receipt = Receipt(InputFacts(original.media.filesize), earlier.file.facts, earlier.checks, work, *_NO_COST)
    return Reuse(original.task, earlier.file, receipt, earlier.copy)
