"""The stages of an import: take it, download and probe the file, store it, publish it."""

from dataclasses import dataclass, replace
from pathlib import Path

from prefect import get_run_logger
from prefect.runtime import flow_run

from penstock.domain.task import File
from penstock.orchestration.run.import_run import ImportRun
from penstock.records.incoming.imports import Import
from penstock.storage.download import download_input
from penstock.tasks import policy
from penstock.tasks.stage import stage
from penstock.uploads.storing import Declared, ReadFile, read_file


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was downloaded, and what was read from it."""

    wanted: Import
    path: Path
    read: ReadFile


@stage(policy.TAKE_IMPORT)
def take_import(run: ImportRun) -> Import:
    with run.stages.stage("validate", policy.DEADLINES["validate"]):
        taken = run.services.records.imports.begin(run.lease, flow_run.id)
        run.stages.begin_heartbeat()
    return taken


@stage(policy.FETCH)
def fetch_import(wanted: Import, run: ImportRun) -> Fetched:
    services, path = run.services, run.scratch / "input"
    with run.stages.stage("fetch", policy.fetch_seconds(services.fetch_policy.longest_seconds)):
        path.unlink(missing_ok=True)
        download_input(wanted.url, path, services.fetch_policy, is_stopped=run.watch.stopped)
        read = read_file(path, Declared(wanted.file.name or ""), services, run.watch)
    get_run_logger().info("fetched %.2f MB of %s", read.facts.filesize / 1e6, read.facts.kind)
    return Fetched(wanted, path, read)


@stage(policy.STORE_IMPORT)
def store_import(fetched: Fetched, run: ImportRun) -> File:
    """The file, stored under a key of this run's own: a run that was superseded overwrites nothing."""
    file, read = fetched.wanted.file, fetched.read
    stored = replace(file, key=f"{file.project_id}/{run.key_name}", facts=read.facts, media=read.media)
    with run.stages.stage("upload", policy.DEADLINES["upload"]):
        run.services.objects.put(fetched.path, stored.key, read.facts.type, run.watch.stopped)
    return stored


@stage(policy.PUBLISH_IMPORT)
def publish_import(stored: File, run: ImportRun) -> File:
    with run.stages.stage("record", policy.DEADLINES["record"]):
        return run.services.records.imports.complete(run.lease, stored)
