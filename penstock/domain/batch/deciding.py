"""Decides what is done with a request: convert it, or skip it and why."""

from dataclasses import dataclass

from penstock.domain.batch.batch import BatchItem, KnownTask
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.spec import OnConflict, Only

OUTPUT_EXISTS = "another file has the name of the output"


@dataclass(frozen=True, slots=True)
class ExistingOutput:
    """A file at the address of an output. `is_ours`: it is what the last conversion of this request wrote there;
    `is_noted`: so it seems by its size alone, because that conversion was interrupted before it was recorded."""

    is_ours: bool
    is_noted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`skip_reason` None: convert. `replaces`: the output replaces the file at its address. `is_taken`: another name
    has to be found first."""

    skip_reason: str | None = None
    replaces: bool = False
    is_taken: bool = False


def existing_output(task: KnownTask | None, found: Entry | None) -> ExistingOutput | None:
    """What lies at the output's address; None: nothing."""
    if found is None:
        return None
    is_published = task is not None and (found.size, found.version) == (task.output_bytes, task.output_version)
    is_noted = task is not None and task.noted_bytes == found.size
    return ExistingOutput(is_published or is_noted, is_noted=is_noted and not is_published)


def decide(
    existing: ExistingOutput | None, task: KnownTask | None, *, is_unchanged: bool, rule: OnConflict, only: Only
) -> Decision:
    """What is done with a request whose output goes to a destination."""
    if task is not None and task.lasting_error and is_unchanged and only == "new":
        return Decision(skip_reason=failed_text(task))
    if existing is None:
        return Decision()
    if not existing.is_ours:
        return _conflict(rule)
    is_known = task is not None and task.status == "completed" and task.output_id is not None
    if only != "all" and task is not None and is_known and is_unchanged:
        return Decision(skip_reason=unchanged_text(task))
    return Decision(replaces=True)


def decide_stored(task: KnownTask | None, *, is_unchanged: bool, only: Only) -> Decision:
    """What is done with a line whose output goes to our storage."""
    if task is None or task.status != "completed" or task.output_id is None or only == "all":
        return Decision()
    return Decision(skip_reason=unchanged_text(task)) if is_unchanged else Decision()


def is_same_version(item: BatchItem, task: KnownTask) -> bool:
    """Whether the input still is the version that was converted, by its size and time or its ETag."""
    version = task.input_version
    return version is not None and (version.length, version.etag) == (item.size, item.version)


def unchanged_text(task: KnownTask) -> str:
    return f"unchanged since {task.updated:%Y-%m-%dT%H:%M:%SZ}: {task.id}"


def failed_text(task: KnownTask) -> str:
    return f"failed at {task.updated:%Y-%m-%dT%H:%M:%SZ} with {task.lasting_error}, and has not changed: {task.id}"


def _conflict(rule: OnConflict) -> Decision:
    match rule:
        case "skip":
            return Decision(skip_reason=OUTPUT_EXISTS)
        case "overwrite":
            return Decision(replaces=True)
        case "rename":
            return Decision(is_taken=True)
