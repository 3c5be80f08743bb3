"""Finds what need not be encoded of a group of tasks: outputs of equal conversions, and what others are making."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.conversion.earlier_bytes import EarlierBytes
from penstock.conversion.inputs import destination_of
from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.reuse import Claim, EarlierOutput, MadeByAnother
from penstock.domain.task import Task
from penstock.records.conversions import Conversions

# Returns what a statement of the records returns, once they are available.
Recorded = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True, slots=True)
class EqualConversions:
    """Looks up the conversions of tasks of one project, which have no owner of their own: their chunk has. `folder`
    takes copies of earlier outputs."""

    conversions: Conversions
    project_id: ProjectId
    bytes: EarlierBytes
    folder: Path
    recorded: Recorded

    def find(self, wanted: Sequence[tuple[Task, str]]) -> dict[TaskId, EarlierOutput | MadeByAnother]:
        """For tasks with the digests of their conversions: the output to reuse, or that another task makes it. Tasks
        that are not in the result are to be converted: of equal ones only the first.

        The claims are asked for before the outputs at destinations, so that one that was recorded in between is
        found."""
        makers = {digest: task for task, digest in reversed(wanted)}
        claims = self._claims(makers)
        published = self._published(wanted, claims)
        found: dict[TaskId, EarlierOutput | MadeByAnother] = {}
        for task, digest in wanted:
            candidates = [*_stored(claims[digest]), *published.get(digest, ())]
            earlier = self.bytes.usable(candidates, task, self.folder)
            if earlier is not None:
                found[task.id] = earlier
            elif makers[digest] is not task or not _may_make(claims[digest]):
                found[task.id] = MadeByAnother()
        return found

    def _claims(self, makers: Mapping[str, Task]) -> dict[str, Claim]:
        attempts = {digest: (task.id, task.attempt, None) for digest, task in makers.items()}
        claims: dict[str, Claim] = self.recorded(lambda: self.conversions.claim(self.project_id, attempts))
        return claims

    def _published(
        self, wanted: Sequence[tuple[Task, str]], claims: Mapping[str, Claim]
    ) -> Mapping[str, Collection[EarlierOutput]]:
        digests = {digest for task, digest in wanted if destination_of(task) and claims[digest].earlier is None}
        if not digests:
            return {}
        found: dict[str, list[EarlierOutput]] = self.recorded(
            lambda: self.conversions.find_published(self.project_id, digests)
        )
        return found


def _stored(claim: Claim) -> list[EarlierOutput]:
    return [claim.earlier] if claim.earlier else []


def _may_make(claim: Claim) -> bool:
    """Also an output again whose bytes are lost."""
    return claim.is_ours or claim.earlier is not None
