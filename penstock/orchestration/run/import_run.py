"""The run of an import: its lease, scratch folder and heartbeat, and what is recorded when it fails."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, final

from penstock.domain import errors
from penstock.domain.ids import FileId, new_file_id
from penstock.host.scratch import scratch_folder
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lease import RunWatch
from penstock.orchestration.run.lifecycle import STORING, failure_of, new_owner
from penstock.orchestration.run.stage_runner import Stages
from penstock.records.incoming.imports import ImportLease
from penstock.services import Services

log = logging.getLogger(__name__)


@final
class ImportRun:
    """What the stages of one import are given. `key_name`: the last part of the key that this run stores the file
    under, which no other run has. No dataclass: Prefect would walk through its fields."""

    __slots__ = ("key_name", "lease", "scratch", "services", "stages")

    def __init__(self, lease: ImportLease, services: Services, scratch: Path, stages: Stages) -> None:
        self.lease: Final = lease
        self.services: Final = services
        self.scratch: Final = scratch
        self.stages: Final = stages
        self.key_name: Final = new_file_id()

    @property
    def watch(self) -> RunWatch:
        return RunWatch(self.stages.stop, self.stages.progress)


@contextmanager
def open_import(file_id: FileId, attempt: int, services: Services) -> Iterator[ImportRun]:
    """A run of this attempt. The stage `validate` takes it and starts the heartbeat. An error that ends the run is
    recorded as the end of the import; after a crash or a stop of the worker another run imports the file."""
    lease = ImportLease(file_id, attempt, new_owner())
    heartbeat = Heartbeat(lambda _state, _percent: services.records.imports.heartbeat(lease))
    stages = Stages(heartbeat)
    with (
        scratch_folder(services.settings.scratch, file_id) as scratch,
        services.live.tracking(partial(stages.stop.stop, "given_back")),
        heartbeat.running(f"heartbeat-{file_id}"),
    ):
        run = ImportRun(lease, services, scratch, stages)
        try:
            yield run
        except Exception as error:
            _close(run, error)
            raise


def _close(run: ImportRun, error: Exception) -> None:
    """Record the end, and delete what this run has stored. While the database or the storage is unavailable, the
    reconciler and the sweep do it."""
    try:
        _record_end(run, error)
        if run.stages.step in STORING:
            _delete_unrecorded(run)
    except errors.PlatformError as unavailable:
        log.warning(
            "%s: its end is not recorded, or its bytes not deleted yet: %s", run.lease.file_id, unavailable.code
        )


def _record_end(run: ImportRun, error: Exception) -> None:
    imports, lease, reason = run.services.records.imports, run.lease, run.stages.stop.reason
    if reason == "superseded" or isinstance(error, errors.Superseded):
        return
    if reason == "given_back" and imports.retry(lease.file_id, lease.attempt, losses=0):
        return
    log.error("import of %s failed: %s %s", lease.file_id, type(error).__name__, getattr(error, "detail", ""))
    imports.fail(lease.file_id, lease.attempt, failure_of(error, run.stages.step))


def _delete_unrecorded(run: ImportRun) -> None:
    files, name = run.services.records.files, run.key_name
    key = f"{files.project_of(run.lease.file_id)}/{name}"
    if not files.is_key_named(key):
        run.services.objects.delete(key)
