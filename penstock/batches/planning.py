"""Plans a batch, a page of lines at a time: which are converted, and why the others are not. Decodes nothing."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

from penstock.batches.line_requests import LineRequests, RequestedLine, failed_item
from penstock.conversion.inputs import require_media
from penstock.conversion.line_files import LineFiles
from penstock.conversion.located_files import is_located
from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id, normalized_address
from penstock.domain.batch.batch import BatchItem, KnownTask
from penstock.domain.batch.deciding import Decision, decide, decide_stored, existing_output, is_same_version
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.line_fields import merged_fields
from penstock.domain.batch.naming import next_free_name
from penstock.domain.batch.spec import RunOptions
from penstock.domain.batch.workload import estimated_line
from penstock.domain.request import SourceRequest
from penstock.storage import download
from penstock.storage.interruptible import IsStopped, raise_if_stopped

# Inputs of the web and outputs in an object store are asked for so many at once.
THREADS = 16
OWN_OUTPUT = "an output of an earlier batch in this folder"
OVER_LIMIT = "not in the sample: --limit"


def plan_lines(files: LineFiles, is_stopped: IsStopped) -> None:
    """Decide every line that is queued. Raises `FieldInvalid` for a wrong template, `UrlForbidden`, and `Cancelled`."""
    batch, items = files.batch, files.services.records.batch_items
    planner = BatchPlanner(files, batch.options, LineRequests.of(files))
    planner.require_writable()
    for page in items.pages(batch.id, ["queued"]):
        raise_if_stopped(is_stopped)
        planned = planner.plan_page(page)
        items.update(batch.id, planned)
        if not batch.options.plan:
            _add_receivers_of_skipped(files, planned)


def known_tasks(requests: Sequence[SourceRequest], files: LineFiles) -> dict[str, KnownTask]:
    """The tasks of these requests, by fingerprint."""
    fingerprints = [request.fingerprint() for request in requests]
    return files.services.records.batch_items.known_tasks(files.batch.project_id, fingerprints)


def _add_receivers_of_skipped(files: LineFiles, items: Sequence[BatchItem]) -> None:
    """The tasks of skipped lines have ended before; an address that they did not know is called now."""
    skipped = [(item.task_id, item.fields or {}) for item in items if item.status == "skipped" and item.task_id]
    defaults = files.batch.spec.defaults
    named = [(task_id, merged_fields(defaults, fields).get("webhook_url")) for task_id, fields in skipped]
    files.services.records.tasks.add_receivers(files.batch.project_id, named)


@dataclass
class BatchPlanner:
    """Decides page by page. It remembers the addresses of outputs, so that two lines never write one file."""

    files: LineFiles
    options: RunOptions
    requests: LineRequests
    taken: set[int] = field(default_factory=set)
    converting: int = 0

    @cached_property
    def _stats(self) -> Callable[[str], Entry | None]:
        destination = self.requests.destination
        return destination.many_stats() if destination else lambda _name: None

    def require_writable(self) -> None:
        """Make sure that the destination takes files, and remove what a killed run left there."""
        if self.requests.destination is not None and not self.options.plan:
            self.files.remove_parts()
            self.requests.destination.require_writable(self.files.batch.id)

    def plan_page(self, items: Sequence[BatchItem]) -> list[BatchItem]:
        """The same items, each queued with its output and estimate, skipped, or failed."""
        inputs = self._without_own_outputs(items)
        # The address is checked before anything is read there.
        made = [self.requests.requested(item) if item.status == "queued" else item for item in inputs]
        found = [self._named(one) if isinstance(one, RequestedLine) else one for one in self._with_versions(made)]
        lines = [one for one in found if isinstance(one, RequestedLine)]
        ended = [one for one in found if isinstance(one, BatchItem)]
        tasks = known_tasks([line.request for line in lines], self.files)
        unchanged = self._unchanged(lines, tasks)
        return [*ended, *(self._planned(line, tasks, unchanged) for line in lines)]

    def _without_own_outputs(self, items: Sequence[BatchItem]) -> Iterable[BatchItem]:
        """In a folder that holds inputs and outputs, outputs of earlier runs are no inputs."""
        source, destination = self.requests.source, self.requests.destination
        if source is None or destination is None or source.real_address != destination.real_address:
            return items
        outputs = self.files.services.records.batch_items.find_outputs([item.input for item in items])
        return [replace(one, status="skipped", reason=OWN_OUTPUT) if one.input in outputs else one for one in items]

    def _with_versions(self, lines: Iterable[RequestedLine | BatchItem]) -> list[RequestedLine | BatchItem]:
        """Lines of a manifest with the size and version of their inputs; those of a source have them."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._with_version, lines))

    def _with_version(self, line: RequestedLine | BatchItem) -> RequestedLine | BatchItem:
        if isinstance(line, BatchItem) or line.item.version is not None:
            return line
        try:
            return replace(line, item=self._found(line.item))
        except errors.MediaError as error:
            return failed_item(line.item, error)

    def _found(self, item: BatchItem) -> BatchItem:
        if is_file_id(item.input):
            file = require_media(self.files.services.records.files.get_input(self.files.batch.project_id, item.input))
            return replace(item, size=file.facts.filesize, version=file.facts.sha256)
        if not is_located(item.input):
            return item
        location, name = self.files.located_input(normalized_address(item.input))
        entry = location.stat(name)
        if entry is None or entry.problem:
            raise errors.InputUnreachable(f"The input cannot be read: {entry.problem if entry else 'no such file'}.")
        return replace(item, size=entry.size, version=entry.version, modified=entry.modified)

    def _unchanged(self, lines: Sequence[RequestedLine], tasks: dict[str, KnownTask]) -> set[int]:
        """The numbers of lines whose input is the version that was converted. Those of the web are asked for."""
        known = [(line, task) for line in lines if (task := tasks.get(line.request.fingerprint()))]
        with ThreadPoolExecutor(THREADS) as pool:
            same = pool.map(lambda pair: self._is_unchanged(*pair), known)
            return {line.item.number for (line, _), unchanged in zip(known, same, strict=True) if unchanged}

    def _is_unchanged(self, line: RequestedLine, task: KnownTask) -> bool:
        if line.request.file_id is not None:
            return True
        if is_located(line.request.url):
            return is_same_version(line.item, task)
        if task.status != "completed":
            return False
        policy = self.files.services.fetch_policy
        try:
            return task.input_version is not None and download.is_unchanged(
                line.request.url or "", task.input_version, policy
            )
        except errors.MediaError:
            return False  # the conversion tells what is wrong

    def _planned(self, line: RequestedLine, tasks: dict[str, KnownTask], unchanged: set[int]) -> BatchItem:
        try:
            return self._decided(line, tasks, is_unchanged=line.item.number in unchanged)
        except errors.MediaError as error:
            return failed_item(line.item, error)

    def _decided(self, line: RequestedLine, tasks: dict[str, KnownTask], *, is_unchanged: bool) -> BatchItem:
        task, only = tasks.get(line.request.fingerprint()), self.options.only
        if line.output is None:
            return self._with(line, task, decide_stored(task, is_unchanged=is_unchanged, only=only))
        existing = existing_output(task, self._stats(line.output or ""))
        rule = self.files.batch.spec.on_conflict
        decision = decide(existing, task, is_unchanged=is_unchanged, rule=rule, only=only)
        if decision.is_taken:
            return self._renamed(line)
        return self._with(line, task, decision)

    def _named(self, line: RequestedLine) -> RequestedLine | BatchItem:
        """The line with an output of its own; or its item, failed."""
        if line.output is None:
            return line
        try:
            self._require_other_file(line)
            return self._with_own_name(line)
        except errors.RequestError as error:
            return failed_item(line.item, error)

    def _require_other_file(self, line: RequestedLine) -> None:
        if line.request.destination == line.request.url and self.files.batch.spec.on_conflict != "overwrite":
            raise errors.FieldInvalid("The output would replace its own input; choose another name.", field="output")

    def _with_own_name(self, line: RequestedLine) -> RequestedLine:
        """The line, under another name if an earlier line has the same output and the rule is `rename`."""
        name = line.output or ""
        if not self._is_taken(name):
            self.taken.add(hash(name))
            return line
        if self.files.batch.spec.on_conflict != "rename":
            raise errors.FieldInvalid(
                "An earlier line has the same output; tell them apart by {ext} or {number} in the name.", field="output"
            )
        other = next_free_name(name, self._is_taken)
        self.taken.add(hash(other))
        return self.requests.renamed(line, other)

    def _is_taken(self, name: str) -> bool:
        return hash(name) in self.taken

    def _renamed(self, line: RequestedLine) -> BatchItem:
        """The line under the first name that is free, or is that of its own earlier output."""
        refused = {line.output}
        while True:
            name = next_free_name(line.output or "", lambda name: name in refused or self._is_taken(name))
            candidate = self.requests.renamed(line, name)
            task = known_tasks([candidate.request], self.files).get(candidate.request.fingerprint())
            existing = existing_output(task, self._stats(name))
            unchanged = task is not None and self._is_unchanged(candidate, task)
            decision = decide(existing, task, is_unchanged=unchanged, rule="rename", only=self.options.only)
            if not decision.is_taken:
                self.taken.add(hash(name))
                return self._with(candidate, task, decision)
            refused.add(name)

    def _with(self, line: RequestedLine, task: KnownTask | None, decision: Decision) -> BatchItem:
        item = replace(line.item, output=line.request.destination)
        if decision.skip_reason is not None:
            skipped = replace(item, status="skipped", reason=decision.skip_reason)
            return replace(skipped, task_id=task.id, result=task.result) if task else skipped
        if self.options.limit is not None and self.converting >= self.options.limit:
            return replace(item, status="skipped", reason=OVER_LIMIT)
        self.converting += 1
        seconds = estimated_line(item, line.request.kind, item.size or 0).seconds
        return replace(item, seconds=seconds, replaces=decision.replaces)
