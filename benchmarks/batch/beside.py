"""POST to completed of a single small picture while a batch of a thousand photos runs, and without it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.batch.inputs import distinct_photos, write_photos
from benchmarks.batch.photos import DISTINCT, PHOTOS, WIDTH
from benchmarks.harness.origin import pictures
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up, wait_until
from benchmarks.service.latency import Requests, one_by_one
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.records import Records

TITLE = "A single picture beside a batch"
RUNS, BAR_TIMES = 20, 3
STARTED_SECONDS = 60.0


def rows(amount: Amount) -> list[Row]:
    photos = distinct_photos(amount.of(DISTINCT, 6))
    with TemporaryDirectory() as name, pictures(Path(name)) as requests, penstock_up() as running:
        write_photos(Path(name) / "in", photos, amount.of(PHOTOS, 100), 0)
        rounds = [_round(running, Path(name), requests, amount) for _ in range(amount.rounds)]
    beside, alone = [median(each) for each, _ in rounds], [median(each) for _, each in rounds]
    ratio = paired(beside, alone)
    return [
        Row(
            what=f"POST → completed of a small image while a batch of {amount.of(PHOTOS, 100):,} photos runs, p50",
            ours=f"{median(beside):.2f} s",
            peer="without the batch",
            peer_figure=f"{median(alone):.2f} s",
            ratio=round(ratio.median, 2),
            spread=ratio.spread,
            bar=f"≤ {BAR_TIMES}",
            met=round(ratio.median, 2) <= BAR_TIMES,
            note=f"{amount.of(RUNS, 3)} images one by one in each round",
        )
    ]


def _round(running: Running, scratch: Path, requests: Requests, amount: Amount) -> tuple[list[float], list[float]]:
    alone = one_by_one(running, requests, amount.of(RUNS, 3))
    with _batch_running(running, scratch) as has_ended:
        beside = one_by_one(running, requests, amount.of(RUNS, 3))
        assert not has_ended(), "the batch has ended too early"
    return beside, alone


@contextmanager
def _batch_running(running: Running, scratch: Path) -> Iterator[Callable[[], bool]]:
    """Whether a batch into an empty folder has ended. At the end of the block it is cancelled."""
    with TemporaryDirectory(dir=scratch) as out, closing(Records(running.service.database_url)) as records:
        spec = BatchSpec(source=str(scratch / "in"), destination=out, defaults={"format": "webp", "width": WIDTH})
        project = records.keys.default_project()
        batch = records.batches.submit(project, BatchOrder(spec, RunOptions(), trusted=True))

        def has_ended() -> bool:
            return records.batches.get_by_id(batch.id).ended is not None

        wait_until(lambda: has_ended() or any(Path(out).glob("*.webp")), STARTED_SECONDS)
        try:
            yield has_ended
        finally:
            records.batches.cancel(project, batch.id)
            wait_until(has_ended, STARTED_SECONDS)
