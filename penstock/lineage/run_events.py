"""The OpenLineage events of conversions and batches that have ended: one for the start, one for the end."""

import os
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    error_message_run,
    execution_parameters_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
)

from penstock.domain.batch.addresses import is_file_id
from penstock.domain.batch.batch import Batch, BatchCounts
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.task import Task
from penstock.lineage.datasets import DatasetName, dataset_at

# A package URL (https://github.com/package-url/purl-spec): OpenLineage wants a URI of the program.
PRODUCER = f"pkg:pypi/penstock@{version('penstock')}"
# Where the bytes are is told by the datasets, and addresses may be secrets.
_NO_RECIPE = ("url", "file_id", "webhook_url", "fresh", "destination", "replaces")
_ENDS = {"completed": RunState.COMPLETE, "failed": RunState.FAIL, "cancelled": RunState.ABORT}


@dataclass(frozen=True, slots=True)
class EndedConversion:
    """A task that has ended, with its input and, if it was completed, its output and its receipt's JSON. `batch` is the
    one whose line it is."""

    task: Task
    input: DatasetName
    output: DatasetName | None
    receipt: dict[str, Any] | None
    batch: Batch | None


@dataclass(frozen=True, slots=True)
class _Subject:
    """What both events of a run tell."""

    run: Run
    job: Job
    inputs: list[InputDataset]
    outputs: list[OutputDataset]


@dataclass(frozen=True, slots=True)
class EndedBatch:
    """A batch that has ended."""

    batch: Batch
    counts: BatchCounts


def conversion_events(ended: EndedConversion) -> list[RunEvent]:
    """Start and end of the last attempt of a conversion."""
    task = ended.task
    run = Run(_run_id(task.id, task.attempt), _run_facets(ended))
    job = Job(_namespace(), _conversion_job(ended), _job_facets("CONVERSION"))
    subject = _Subject(run, job, [_input(ended)], _outputs(ended))
    return _start_and_end(subject, task.status, _began(ended), task.updated)


def batch_events(ended: EndedBatch) -> list[RunEvent]:
    """Start and end of the last run of a batch. Its lines have events of their own, which name it as their parent."""
    batch = ended.batch
    parameters = [_parameter(status, count) for status, count in sorted(ended.counts.by_status.items())]
    facets = {"executionParameters": execution_parameters_run.ExecutionParametersRunFacet(parameters)}
    run = Run(_run_id(batch.id, batch.attempt), facets | _error_facets(batch.error))
    job = Job(_namespace(), _batch_job(batch), _job_facets("BATCH"))
    subject = _Subject(run, job, *_places(batch.spec))
    return _start_and_end(subject, batch.status, batch.started or batch.created, batch.ended or batch.updated)


def _start_and_end(subject: _Subject, status: str, began: datetime, ended: datetime) -> list[RunEvent]:
    return [_event(subject, RunState.START, began), _event(subject, _ENDS[status], ended)]


def _event(subject: _Subject, state: Any, time: datetime) -> RunEvent:
    facts = {each.name: getattr(subject, each.name) for each in fields(subject)}
    return RunEvent(eventType=state, eventTime=time.isoformat(), producer=PRODUCER, **facts)


def _began(ended: EndedConversion) -> datetime:
    """When the encoder started; without one, when the task was asked for, of a later attempt its end."""
    if ended.receipt is not None:
        return ended.task.updated - timedelta(seconds=ended.receipt["work"]["wall_seconds"])
    return ended.task.created if ended.task.attempt == 1 else ended.task.updated


def _run_id(name: str, attempt: int) -> str:
    """The same for every sending of an attempt."""
    return str(uuid5(NAMESPACE_URL, f"penstock:{name}/{attempt}"))


def _namespace() -> str:
    return os.environ.get("OPENLINEAGE_NAMESPACE") or "penstock"


def _conversion_job(ended: EndedConversion) -> str:
    request = ended.task.request
    job = f"convert.{request.kind}.{request.format}"
    return f"{_batch_job(ended.batch)}.{job}" if ended.batch else job


def _batch_job(batch: Batch) -> str:
    return f"batch.{batch.title}"


def _job_facets(job_type: str) -> dict[str, Any]:
    return {"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="PENSTOCK", jobType=job_type)}


def _run_facets(ended: EndedConversion) -> dict[str, Any]:
    task, batch = ended.task, ended.batch
    facets: dict[str, Any] = {"executionParameters": _recipe(ended)}
    if batch is not None:
        parent = parent_run.Run(_run_id(batch.id, batch.attempt))
        facets["parent"] = parent_run.ParentRunFacet(parent, parent_run.Job(_namespace(), _batch_job(batch)))
    return facets | _error_facets(task.error)


def _error_facets(error: Any) -> dict[str, Any]:
    if error is None:
        return {}
    message = f"{error.code}: {error.message}"
    return {"errorMessage": error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="Python")}


def _recipe(ended: EndedConversion) -> Any:
    """What was asked for, the plan, the arguments of the encoder and the versions of the tools."""
    request = ended.task.request.model_dump(mode="json", exclude_none=True)
    asked = {name: value for name, value in request.items() if name not in _NO_RECIPE}
    work = (ended.receipt or {}).get("work", {})
    plan = {f"plan.{name}": value for name, value in (ended.task.plan or {}).items() if isinstance(value, str)}
    tools = {f"tool.{name}": value for name, value in work.get("tools", {}).items()}
    arguments = {"arguments": " ".join(work["argv"])} if work.get("argv") else {}
    values = {"task": ended.task.id} | asked | plan | arguments | tools
    return execution_parameters_run.ExecutionParametersRunFacet([_parameter(*pair) for pair in values.items()])


def _parameter(key: str, value: object) -> Any:
    return execution_parameters_run.ExecutionParameter(key=key, value=str(value))


def _input(ended: EndedConversion) -> InputDataset:
    found, name = ended.task.input_version, ended.input
    if found is None:
        return InputDataset(name.namespace, name.name)
    size = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(size=found.length, fileCount=1)
    return InputDataset(
        name.namespace, name.name, {"inputStatistics": size}, facets=_version(found.sha256 or found.etag)
    )


def _version(digest: str | None) -> dict[str, Any]:
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(digest)} if digest else {}


def _outputs(ended: EndedConversion) -> list[OutputDataset]:
    output, name = ended.task.output, ended.output
    if output is None or name is None:
        return []
    size = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(size=output.facts.filesize, fileCount=1)
    return [OutputDataset(name.namespace, name.name, {"outputStatistics": size}, facets=_version(output.facts.sha256))]


def _places(spec: BatchSpec) -> tuple[list[InputDataset], list[OutputDataset]]:
    """The folders, prefixes or manifest of a batch; a manifest or lines that were sent to the API have no place."""
    read = [dataset_at(given) for given in (spec.source, spec.manifest) if given and not is_file_id(given)]
    written = [dataset_at(spec.destination)] if spec.destination else []
    return [InputDataset(one.namespace, one.name) for one in read], [
        OutputDataset(one.namespace, one.name) for one in written
    ]
