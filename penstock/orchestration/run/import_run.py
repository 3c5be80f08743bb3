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

    def __init__(self, lease: ImportLease, key_name: FileId, services: Services, scratch: Path, stages: Stages) -> None:
        self.lease: Final = lease
        self.key_name: Final = key_name
        self.services: Final = services
        self.scratch: Final = scratch
        self.stages: Final = stages

    @property
    def watch(self) -> RunWatch:
        return RunWatch(self.stages.stop, self.stages.progress, self.services.counts)


@contextmanager
def open_import(file_id: FileId, attempt: int, services: Services) -> Iterator[ImportRun]:
    """A run of this attempt. The stage `validate` takes it and starts the heartbeat. An error that ends the run is
    recorded as the end of the import; after a crash or a stop of the worker another run imports the file."""
    lease, key_name = ImportLease(file_id, attempt, new_owner()), new_file_id()
    heartbeat = Heartbeat(lambda _state, _percent: services.records.imports.heartbeat(lease))
    stages = Stages(heartbeat)
    try:
        with (
            scratch_folder(services.settings.scratch, file_id) as scratch,
            services.live.tracking(partial(stages.stop.stop, "given_back")),
            heartbeat.running(f"heartbeat-{file_id}"),
        ):
            yield ImportRun(lease, key_name, services, scratch, stages)
    except Exception as error:
        _close(lease, key_name, stages, error, services)
        raise


def _close(lease: ImportLease, key_name: FileId, stages: Stages, error: Exception, services: Services) -> None:
    """Record the end, and delete what this run has stored. While the database or the storage is unavailable, the
    reconciler and the sweep do it."""
    try:
        _record_end(lease, stages, error, services)
        if stages.step in STORING:
            _delete_unrecorded(lease, key_name, services)
    except errors.PlatformError as unavailable:
        log.warning("%s: its end is not recorded, or its bytes not deleted yet: %s", lease.file_id, unavailable.code)


def _record_end(lease: ImportLease, stages: Stages, error: Exception, services: Services) -> None:
    imports, reason = services.records.imports, stages.stop.reason
    if reason == "superseded" or isinstance(error, errors.Superseded):
        return
    if reason == "given_back" and imports.retry(lease.file_id, lease.attempt, losses=0):
        return
    log.error("import of %s failed: %s %s", lease.file_id, type(error).__name__, getattr(error, "detail", ""))
    imports.fail(lease.file_id, lease.attempt, failure_of(error, stages.step), owner=lease.owner)


def _delete_unrecorded(lease: ImportLease, key_name: FileId, services: Services) -> None:
    files = services.records.files
    key = f"{files.project_of(lease.file_id)}/{key_name}"
    if not files.is_key_named(key):
        services.objects.delete(key)
