"""What identifies a run, and what its stages are given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from penstock.conversion.kept_outputs import KeptOutputs
from penstock.conversion.rendition import Logger, Workspace
from penstock.domain.ids import FileId, ProjectId, TaskId
from penstock.domain.task import Task
from penstock.metrics.counts import Counts
from penstock.metrics.kill_causes import kill_cause
from penstock.orchestration.run.heartbeat import RunProgress
from penstock.orchestration.run.stage_runner import Stages
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.sandbox.supervise import Exit
from penstock.services import Services


@dataclass(frozen=True, slots=True)
class RunLease:
    """One attempt of a task and its owner. The records accept statements of the present owner alone."""

    task_id: TaskId
    attempt: int
    owner: str
    output_id: FileId

    def output_key(self, project_id: ProjectId) -> str:
        """Where the output is stored."""
        return f"{project_id}/{self.output_id}"


@dataclass(frozen=True, slots=True)
class RunWatch:
    """Connects engines and downloads to a run: they report their percentage and stop when the run should."""

    stop: StopSignal
    shown: RunProgress
    counts: Counts

    def progress(self, percent: int) -> None:
        self.shown.set_percent(percent)

    def stopped(self) -> bool:
        return self.stop.is_set()

    def ended(self, ended: Exit) -> None:
        """Counts kills; a conversion adds up its own processor time."""
        if cause := kill_cause(ended):
            self.counts.add("children_killed", cause)


@final
class Run:
    """What the stages of one run are given; none of it is replaced while the run lasts.

    No dataclass: Prefect walks through every field of a dataclass that is passed to a stage, here all services."""

    __slots__ = ("lease", "scratch", "services", "stages")

    def __init__(self, lease: RunLease, services: Services, scratch: Path, stages: Stages) -> None:
        self.lease: Final = lease
        self.services: Final = services
        self.scratch: Final = scratch
        self.stages: Final = stages

    @property
    def stop(self) -> StopSignal:
        return self.stages.stop

    @property
    def kept_outputs(self) -> KeptOutputs:
        return KeptOutputs(self.services.settings.kept_outputs)

    def begin_heartbeat(self) -> None:
        """The records have accepted the lease."""
        self.stages.begin_heartbeat()

    def workspace(self, log: Logger) -> Workspace:
        """What the library works with; `log` is the logger of the present stage."""
        watch = RunWatch(self.stop, self.stages.progress, self.services.counts)
        return Workspace(self.services, self.scratch, watch, log, self._record_plan)

    def _record_plan(self, task: Task, summary: dict[str, Any]) -> None:
        self.services.records.tasks.record_plan(task.id, task.attempt, summary)
