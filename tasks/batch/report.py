"""Report the results of a batch: its manifest, and a page for people."""

from prefect import get_run_logger, task

from penstock.batches.manifest_file import ManifestFile
from penstock.batches.reporting import summary_sentence
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.batch.shown import report_artifact
from penstock.tasks import policy


@task(**policy.REPORT)
def report(run: BatchRun) -> str:
    """Publish the manifest and end the batch; returns its sentence, such as `987 converted, 13 skipped`."""
    items, batch = run.services.records.batch_items, run.batch
    manifest = ManifestFile(run.files)
    run.files.remove_parts()
    manifest_id = manifest.publish(items.pages(batch.id), run.stop.is_set)
    counts, failures = items.counts(batch.id), items.failures(batch.id)
    sentence = summary_sentence(counts, failures)
    report_artifact(run, manifest.address, counts, failures)
    run.end("planned" if batch.options.plan else "completed", manifest_id)
    get_run_logger().info(sentence)
    return sentence
