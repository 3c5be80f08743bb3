"""Batches survive the death of their workers and an S3 that refuses, and stop when they are cancelled."""

import io
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from PIL import Image

from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.spec import BatchSpec
from penstock.host.local_workers import DRAIN_SIGNAL, local_workers
from tests.batches.runner import manifest_lines
from tests.service import csrf, exported, opened_records, part, suspended, wait_for

pytestmark = pytest.mark.service

LINES = 60
# A few tenths of a second for each line.
FEW = "0[0-4]*.jpg"
SLOW = {"format": "png", "width": 1500}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """One picture in files of different bytes, which take a few seconds together: each has a comment of its own."""
    folder, picture = tmp_path_factory.mktemp("photos"), io.BytesIO()
    Image.effect_noise((1500, 1000), 30).convert("RGB").save(picture, "JPEG")
    for number in range(LINES):
        comment = b"\xff\xfe\0\4" + number.to_bytes(2)
        (folder / f"{number:03}.jpg").write_bytes(picture.getvalue()[:2] + comment + picture.getvalue()[2:])
    return folder


def submitted(records, source, destination, glob=None, **defaults):
    spec = BatchSpec(
        source=str(source), destination=str(destination), glob=glob, defaults={"format": "webp"} | defaults
    )
    return records.batches.submit(records.keys.default_project(), BatchOrder(spec, trusted=True))


def begun(records, batch, lines=1):
    """Wait until so many lines are completed."""
    wait_for(lambda: records.batch_items.count(batch.id, "completed") >= lines or None, 60)


def ended(records, batch, seconds):
    found = wait_for(
        lambda: None if (now := records.batches.get_by_id(batch.id)).status == "processing" else now, seconds
    )
    return found.status, dict(records.batch_items.counts(batch.id).by_status)


def cancel_run(penstock, run_id):
    """Cancel a run in Prefect. Meanwhile no line is converted: on a busy machine all would be done before."""
    state = {"state": {"type": "CANCELLING"}}
    with suspended(part(penstock, "worker-1")):
        penstock.prefect.post(f"/flow_runs/{run_id}/set_state", json=state, headers=csrf(penstock)).raise_for_status()


def test_a_batch_whose_worker_is_killed_goes_on_and_converts_nothing_twice(penstock, photos, tmp_path):
    with opened_records(penstock) as records:
        batch = submitted(records, photos, tmp_path / "out", width=300)
        begun(records, batch, LINES // 4)
        before = {path.name: path.stat().st_ino for path in (tmp_path / "out").glob("*.webp")}
        os.kill(part(penstock, "worker-1"), signal.SIGKILL)

        assert ended(records, batch, 170) == ("completed", {"completed": LINES})
        after = {path.name: path.stat().st_ino for path in (tmp_path / "out").glob("*.webp")}
        lines = manifest_lines(tmp_path / "out/manifest.jsonl")

    assert len(after) == LINES
    assert before.items() <= after.items()
    assert Counter(line["status"] for line in lines) == {"completed": LINES}
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".webp"] == ["manifest.jsonl"]


def test_a_batch_whose_worker_is_drained_goes_on_with_another_and_loses_no_line(penstock, photos, tmp_path):
    command = [sys.executable, "-m", "penstock", "worker", "--name", "drained"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(command, cwd=tmp_path, env=exported(penstock), **quiet)
    with opened_records(penstock) as records:
        with suspended(part(penstock, "worker-1")):
            batch = submitted(records, photos, tmp_path / "out", width=310)
            begun(records, batch)
        os.kill(local_workers(penstock.home.root)["drained"], DRAIN_SIGNAL)
        assert worker.wait(60) == 0
        assert ended(records, batch, 150) == ("completed", {"completed": LINES})


def test_a_batch_that_is_cancelled_in_prefect_stops_and_goes_on_when_it_runs_again(penstock, photos, tmp_path):
    with opened_records(penstock) as records:
        batch = submitted(records, photos, tmp_path / "out", FEW, **SLOW)
        begun(records, batch)
        run_id = records.batches.get_by_id(batch.id).run_id
        cancel_run(penstock, run_id)
        status, counts = ended(records, batch, 30)
        made = set(counts)
        submitted(records, photos, tmp_path / "out", FEW, **SLOW)
        again = ended(records, batch, 60)

    assert (status, made) == ("cancelled", {"completed", "cancelled"})
    assert again == ("completed", {"completed": counts["cancelled"], "skipped": counts["completed"]})


def test_a_chunk_that_is_cancelled_in_prefect_ends_its_lines_alone(penstock, photos, tmp_path):
    with opened_records(penstock) as records:
        batch = submitted(records, photos, tmp_path / "out", FEW, **SLOW | {"width": 1400})
        begun(records, batch)
        chunk = next(run for run in records.unfinished_runs.submitted() if run.object == "chunk")
        cancel_run(penstock, chunk.run_id)
        status, counts = ended(records, batch, 60)

    assert (status, sum(counts.values())) == ("completed", 50)
    assert counts["cancelled"] > 0


def test_a_line_of_a_batch_whose_upload_is_refused_three_times_is_completed(penstock, buckets, photo, tmp_path):
    (tmp_path / "photo.png").write_bytes(photo.read_bytes())
    spec = BatchSpec(source=str(tmp_path), destination="s3://out/refused/", defaults={"format": "webp"})
    with opened_records(penstock) as records:
        buckets.relay.fail("503", 3)
        batch = records.batches.submit(records.keys.default_project(), BatchOrder(spec, trusted=True))
        wait_for(lambda: records.batches.get_by_id(batch.id).status != "processing", 90)
        lines = records.batch_items.counts(batch.id).by_status

    assert (dict(lines), buckets.relay.next_fault()) == ({"completed": 1}, None)
    assert {path.name for path in (buckets.folder / "out" / "refused").iterdir()} == {"photo.webp", "manifest.jsonl"}
