"""The lines of a chunk that its threads have still to convert, and what became of the others."""

import math
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.task import Step, Task, TaskError

# Tries of a line whose error may pass: a storage that is away, an input that just changed.
TRIES = 3
# How often a line waits for another that makes its output, before it gets a run of its own: that waits without holding
# an encoder slot.
WAITS = 20

Outcome = Literal["completed", "failed", "cancelled", "released", "busy"]
_WORDS: dict[Outcome, str] = {
    "completed": "converted",
    "failed": "failed",
    "cancelled": "cancelled",
    "released": "given runs of their own",
}


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line. `released`: it gets a run of its own. `busy`: another one makes its output."""

    task: Task
    outcome: Outcome
    error: errors.MediaError | None = None
    step: Step = "transcode"

    @property
    def failure(self) -> TaskError | None:
        """The error as the task's owner sees it."""
        if self.error is None:
            return None
        return TaskError(self.error.code, self.error.message, self.error.field, self.step, self.error.transient)


class LinesInWork:
    """Hands out lines to threads; a line whose error may pass is handed out again. Thread-safe."""

    def __init__(self, lines: Sequence[Task], threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting = deque(lines)
        self._tries: Counter[TaskId] = Counter()
        self._waits: Counter[TaskId] = Counter()
        self.outcomes: Counter[Outcome] = Counter()

    @property
    def sentence(self) -> str:
        """`398 converted, 2 failed`."""
        parts = [f"{self.outcomes[outcome]:,} {word}" for outcome, word in _WORDS.items() if self.outcomes[outcome]]
        return ", ".join(parts) or "no lines"

    def take(self, most: int) -> list[Task]:
        """The next lines: at most so many, and no more than this thread's share of what is left."""
        with self._lock:
            share = math.ceil(len(self._waiting) / self._threads)
            return [self._waiting.popleft() for _ in range(min(most, share))]

    def settle(self, outcomes: Sequence[LineOutcome]) -> list[LineOutcome]:
        """Put back the lines that are tried again; returns the outcomes of the others."""
        with self._lock:
            settled = [self._without_wait(outcome) for outcome in outcomes if not self._is_tried_again(outcome)]
            self.outcomes.update(outcome.outcome for outcome in settled)
            return settled

    def _without_wait(self, outcome: LineOutcome) -> LineOutcome:
        return replace(outcome, outcome="released") if outcome.outcome == "busy" else outcome

    def _is_tried_again(self, outcome: LineOutcome) -> bool:
        counted, most = (self._waits, WAITS) if outcome.outcome == "busy" else (self._tries, TRIES)
        if outcome.outcome != "busy" and (outcome.error is None or not outcome.error.transient):
            return False
        counted[outcome.task.id] += 1
        if counted[outcome.task.id] >= most:
            return False
        self._waiting.append(outcome.task)
        return True
