"""Hands the planned lines of a batch to runs, a few at a time, so that many batches and projects share the workers."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from penstock.domain.batch.addresses import is_file_id
from penstock.domain.batch.batch import Batch, BatchItem
from penstock.domain.batch.line_fields import merged_fields
from penstock.domain.batch.lines import LineRequest, line_request
from penstock.domain.batch.workload import EstimatedLine, LineGroup, estimated_line, group_lines
from penstock.records.batches.line_tasks import LineTask
from penstock.services import Services

# So many chunks, and lines with runs of their own, of one batch wait in Prefect. Its queues are first in, first out:
# with few of each batch there, batches take turns.
WAITING_CHUNKS = 4
WAITING_LINES = 8
# Of an image on the web: with so few in a chunk, all workers get some of a batch that mostly waits for origins.
FETCH_SECONDS = 0.5
# Lines read at once; the chunks of one read are complete but for the last of each kind.
PAGE = 2000


@dataclass
class Feeder:
    """Hands out the lines of one batch. `after` is the number of the last line that was handed out."""

    batch: Batch
    services: Services
    after: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the time in which lines may start has passed."""
        not_after = self.batch.options.not_after
        return not_after is not None and datetime.now(UTC) >= not_after.astimezone(UTC)

    def feed(self) -> bool:
        """Hand out as many lines as may wait now. Returns whether there may be more."""
        chunks, alone = self.services.records.chunks.count_waiting(self.batch.id)
        if chunks >= WAITING_CHUNKS and alone >= WAITING_LINES:
            return bool(self._next_items(1))
        groups = self._next_groups()
        for group in groups:
            if self._has_room(group, chunks, alone):  # a large line without room holds back no chunk
                self._submit(group)
                chunks, alone = (chunks, alone + 1) if _is_alone(group) else (chunks + 1, alone)
        return bool(groups)

    def _next_items(self, limit: int) -> list[BatchItem]:
        return self.services.records.batch_items.next_page(self.batch.id, 0, ["queued"], limit)

    def _next_groups(self) -> list[LineGroup[BatchItem]]:
        return list(group_lines(self._estimated(item) for item in self._next_items(PAGE)))

    def _estimated(self, item: BatchItem) -> EstimatedLine[BatchItem]:
        kind = self.request_of(item).kind
        estimated = estimated_line(item, kind, item.size or 0)
        if item.size is not None:
            return estimated
        # The size of an input on the web is not known before it is fetched.
        return replace(estimated, seconds=FETCH_SECONDS if kind == "image" else float("inf"))

    def _has_room(self, group: LineGroup[BatchItem], chunks: int, alone: int) -> bool:
        return alone < WAITING_LINES if _is_alone(group) else chunks < WAITING_CHUNKS

    def _submit(self, group: LineGroup[BatchItem]) -> None:
        lines = [LineTask(item.number, self.request_of(item)) for item in group.lines]
        records, batch = self.services.records.chunks, self.batch
        if _is_alone(group):
            records.submit_alone(batch.id, batch.project_id, lines)
        else:
            records.submit(batch.id, batch.project_id, group.queue, _name_of(batch, group), lines)

    def request_of(self, item: BatchItem) -> LineRequest:
        """The request that was planned for an item."""
        fields = merged_fields(self.batch.spec.defaults, item.fields or {})
        for name in ("output", "url", "file_id"):
            fields.pop(name, None)
        if is_file_id(item.input):
            fields["file_id"] = item.input
        address = None if is_file_id(item.input) else item.input
        request = line_request({}, fields, address, item.output)
        return request.model_copy(update={"replaces": item.replaces})


def _is_alone(group: LineGroup[BatchItem]) -> bool:
    return group.is_large_line


def _name_of(batch: Batch, group: LineGroup[BatchItem]) -> str:
    """What the Prefect UI lists: `photos → webp · 412 lines, 1 to 412`."""
    first, last = group.lines[0].number, group.lines[-1].number
    return f"{batch.title} · {len(group.lines)} lines, {first} to {last}"
