"""Report the results of a batch: its manifest, and a page for people."""

from prefect import get_run_logger

from penstock.batches.manifest_file import ManifestFile
from penstock.batches.reporting import plan_sentence, summary_sentence
from penstock.domain.batch.batch import BatchStatus
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.batch.shown import plan_artifact, report_artifact
from penstock.storage.interruptible import never_stopped
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.REPORT)
def report(status: BatchStatus, run: BatchRun) -> str:
    """Publish the manifest and end the batch; returns its sentence, such as `987 converted, 13 skipped`.

    A cancelled batch is reported as well. A paused one does not end: it is given back."""
    if status == "paused":
        return _given_back(run)
    items, batch = run.services.records.batch_items, run.batch
    manifest = ManifestFile(run.files)
    manifest_id = manifest.publish(items.pages(batch.id), never_stopped)
    run.files.remove_parts()
    sentence = _shown_plan(run, manifest.address) if status == "planned" else _shown_results(run, manifest.address)
    run.end(status, manifest_id)
    get_run_logger().info(sentence)
    return sentence


def _given_back(run: BatchRun) -> str:
    run.give_back()
    done = summary_sentence(run.services.records.batch_items.counts(run.batch.id), ())
    return f"paused: {done}; another run goes on when the batch is resumed"


def _shown_plan(run: BatchRun, manifest: str | None) -> str:
    totals = run.services.records.batch_items.plan_totals(run.batch.id)
    plan_artifact(run, manifest, totals)
    return f"planned: {plan_sentence(totals)}"


def _shown_results(run: BatchRun, manifest: str | None) -> str:
    items = run.services.records.batch_items
    counts, failures = items.counts(run.batch.id), items.failures(run.batch.id)
    report_artifact(run, manifest, counts, failures)
    return summary_sentence(counts, failures)
