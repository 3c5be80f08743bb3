"""Runs a batch as its Prefect runs do, in this process."""

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from penstock import engines
from penstock.batches.chunk_work import ChunkContext, convert_lines
from penstock.batches.estimating import estimate_lines
from penstock.batches.feeding import Feeder
from penstock.batches.lines_in_work import LinesInWork
from penstock.batches.listing import list_lines
from penstock.batches.manifest_file import ManifestFile
from penstock.batches.planning import plan_lines
from penstock.conversion.convert import no_reservation
from penstock.conversion.line_files import LineFiles
from penstock.domain.batch.batch import Batch, BatchItem, BatchOrder, PendingRun
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.domain.ids import ChunkId, ProjectId, new_file_id
from penstock.domain.task import File, FileFacts
from penstock.host.scratch import scratch_folder
from penstock.services import Services
from penstock.storage.interruptible import never_stopped
from penstock.storage.local_files import sha256_of


@dataclass(frozen=True, slots=True)
class BatchRunner:
    """Runs the batches of one project, each chunk with so many threads."""

    services: Services
    project: ProjectId
    threads: int = 2

    def run(self, spec: BatchSpec, **options: object) -> Batch:
        """The batch as it ended."""
        batches = self.services.records.batches
        batch = self.start(spec, **options)
        files = LineFiles(batch, self.services)
        if batch.options.plan:
            estimate_lines(files, never_stopped, lambda _ended: None)
        else:
            self.convert(batch)
        manifest_id = ManifestFile(files).publish(self.services.records.batch_items.pages(batch.id), never_stopped)
        files.remove_parts()
        batches.end(batch.id, batch.attempt, "planned" if batch.options.plan else "completed", manifest_id=manifest_id)
        return batches.get_by_id(batch.id)

    def start(self, spec: BatchSpec, **options: object) -> Batch:
        """The batch with its lines planned."""
        batches = self.services.records.batches
        submitted = batches.submit(self.project, BatchOrder(spec, RunOptions(**options), trusted=True))
        batch = batches.begin(submitted.id, submitted.attempt, secrets.token_hex(4), "run")
        files = LineFiles(batch, self.services)
        list_lines(files, never_stopped)
        plan_lines(files, never_stopped)
        return batch

    def convert(self, batch: Batch) -> None:
        records, feeder = self.services.records, Feeder(batch, self.services)
        while feeder.feed():
            due = [
                one
                for one in records.unfinished_runs.claim_due(10)
                if one.object == "chunk" and one.batch_id == batch.id
            ]
            with ThreadPoolExecutor(4) as workers:
                list(workers.map(self.convert_chunk, due))
            records.batch_items.follow_tasks(batch.id)

    def convert_chunk(self, pending: PendingRun) -> None:
        owner, chunks = secrets.token_hex(4), self.services.records.chunks
        chunk_id, attempt = ChunkId(pending.id), pending.attempt
        chunk = chunks.begin(chunk_id, attempt, owner, "run")
        lines = LinesInWork(chunk.lines, threads=1)
        with (
            scratch_folder(self.services.settings.scratch, "chunk") as scratch,
            ThreadPoolExecutor(self.threads) as pool,
        ):
            context = ChunkContext(
                services=self.services,
                chunk=chunk,
                lease=(chunk_id, attempt, owner),
                files=LineFiles(self.services.records.batches.get_by_id(chunk.batch_id), self.services),
                scratch=scratch,
                watch=engines.NoWatch(),
                reserve=no_reservation,
                is_live=lambda _task_id: True,
                takes_no_more=never_stopped,
                wait=lambda seconds: bool(time.sleep(seconds)),
            )
            for thread in [pool.submit(convert_lines, lines, context) for _ in range(self.threads)]:
                thread.result()
        assert chunks.end((chunk_id, attempt, owner))

    def upload(self, path: Path) -> File:
        """An upload that was probed when it was stored."""
        file_id, tools = new_file_id(), self.services.tools
        facts, media = (
            FileFacts("image", "png", "image/png", path.stat().st_size, sha256_of(path)),
            engines.probe(path, tools),
        )
        now = datetime.now(UTC)
        file = File(file_id, self.project, "file", facts, f"{self.project}/{file_id}", None, now, now, media)
        self.services.objects.put(path, file.key, facts.type)
        return self.services.records.files.add(file)

    def items(self, batch: Batch) -> dict[str, BatchItem]:
        """The items by the name of their input."""
        pages = self.services.records.batch_items.pages(batch.id)
        return {item.input.rpartition("/")[2]: item for page in pages for item in page}


def manifest_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
