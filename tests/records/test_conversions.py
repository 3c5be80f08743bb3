"""Equal conversions of a project: outputs are found by their digest, and of several attempts one makes the output."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.ids import ChunkId, ProjectId, TaskId, new_file_id
from penstock.domain.reuse import Claim
from penstock.domain.task import File, Task
from penstock.records import Records
from penstock.records.batches.line_tasks import LineTask
from tests.records.rows import begin_task, complete_conversion, output_of, video_request
from tests.service import wait_for

OURS, ANOTHER = Claim(is_ours=True), Claim()


@pytest.fixture
def digest() -> str:
    return secrets.token_hex(32)


@pytest.fixture
def earlier(records: Records, project: ProjectId, digest: str) -> File:
    return complete_conversion(records, begin_task(records, project), digest)


def claim(records: Records, task: Task, digest: str) -> Claim:
    return records.conversions.claim(task.project_id, {digest: (task.id, task.attempt, "owner")})[digest]


def shared(task: Task, earlier: File) -> File:
    """An output of the task that names the bytes of the earlier one."""
    return replace(earlier, id=new_file_id(), task_id=task.id)


def test_an_output_is_found_by_the_digest_of_its_conversion(records: Records, project: ProjectId, earlier: File):
    found = records.conversions.find(project, [earlier.conversion, "unknown"])

    assert found.keys() == {earlier.conversion}
    assert found[earlier.conversion].file == earlier
    assert found[earlier.conversion].checks.expected_duration == 1.0


def test_an_output_of_another_project_and_a_deleted_one_are_not_found(records: Records, earlier: File):
    other = records.keys.new_project(secrets.token_hex(8))
    assert records.conversions.find(other, [earlier.conversion]) == {}

    records.files.delete(earlier.project_id, earlier.id)
    assert records.conversions.find(earlier.project_id, [earlier.conversion]) == {}


def test_outputs_at_destinations_are_found_apart_the_latest_first(records: Records, project: ProjectId, digest: str):
    made = []
    for name in "abcde":
        task = begin_task(records, project)
        output = replace(output_of(task), key="", location=f"file:///out/{name}.mp4")
        made.append(complete_conversion(records, task, digest, output))
    found = records.conversions.find_published(project, [digest, "unknown"])

    assert [one.file for one in found[digest]] == made[:0:-1]
    assert found.keys() == {digest}
    assert records.conversions.find(project, [digest]) == {}


def test_the_latest_output_is_found_first(records: Records, project: ProjectId, earlier: File, digest: str):
    later = complete_conversion(records, begin_task(records, project), digest)

    assert records.conversions.find(project, [digest])[digest].file == later


def test_one_of_several_attempts_makes_the_output_and_the_others_reuse_it(
    records: Records, project: ProjectId, digest: str
):
    first, second = begin_task(records, project), begin_task(records, project)

    assert (claim(records, first, digest), claim(records, second, digest)) == (OURS, ANOTHER)
    assert claim(records, first, digest) == OURS, "a second try of its stage"
    output = complete_conversion(records, first, digest)
    assert claim(records, second, digest).earlier.file == output


def test_many_attempts_at_once_choose_one(records: Records, project: ProjectId, digest: str):
    tasks = [begin_task(records, project) for _ in range(8)]
    with ThreadPoolExecutor(8) as runs:
        claims = list(runs.map(lambda task: claim(records, task, digest), tasks))

    assert claims.count(OURS) == 1
    assert claims.count(ANOTHER) == 7


def test_several_conversions_are_claimed_at_once(records: Records, project: ProjectId, earlier: File):
    busy, *free = (begin_task(records, project) for _ in range(4))
    taken = secrets.token_hex(32)
    claim(records, busy, taken)
    wanted = (taken, "new", earlier.conversion)
    claims = records.conversions.claim(
        project, {digest: (task.id, 1, "owner") for digest, task in zip(wanted, free, strict=True)}
    )

    assert (claims[taken], claims["new"], claims[earlier.conversion].earlier.file) == (ANOTHER, OURS, earlier)


def test_projects_do_not_wait_for_each_other(records: Records, project: ProjectId, digest: str):
    other = begin_task(records, records.keys.new_project(secrets.token_hex(8)))

    assert claim(records, begin_task(records, project), digest) == OURS
    assert claim(records, other, digest) == OURS


@pytest.mark.parametrize("how", ["failed", "cancelled", "retried", "lost"])
def test_a_claim_ends_with_its_attempt(
    records: Records, records_without_lease: Records, project: ProjectId, digest: str, how: str
):
    first, second = begin_task(records, project), begin_task(records, project)
    claim(records, first, digest)
    asking = records_without_lease if how == "lost" else records
    match how:
        case "failed" | "cancelled":
            records.tasks.end(first.id, 1, how)
        case "retried":
            records.tasks.retry_lost(first.id, 1)

    assert claim(asking, second, digest) == OURS


def test_the_claim_of_a_task_of_a_chunk_ends_with_its_chunk(
    records: Records, records_without_lease: Records, project: ProjectId, digest: str
):
    chunk_id, task_id = chunk_of_one_task(records, project)
    records.chunks.begin(chunk_id, 1, "owner", "run")
    claims = records.conversions.claim(project, {digest: (task_id, 1, None)})
    waiting = begin_task(records, project)

    assert (claims[digest], claim(records, waiting, digest)) == (OURS, ANOTHER)
    assert claim(records_without_lease, waiting, digest) == OURS


def chunk_of_one_task(records: Records, project: ProjectId) -> tuple[ChunkId, TaskId]:
    request = video_request(f"https://example.com/{new_file_id()}")
    batch = records.batches.submit(project, BatchOrder(BatchSpec(source="/in"), trusted=True))
    chunk_id = records.chunks.submit(batch.id, project, "image", "one", [LineTask(1, request)])
    return chunk_id, records.tasks.find_current(project, request).id


def test_an_attempt_of_another_owner_claims_nothing(records: Records, project: ProjectId, digest: str):
    task = begin_task(records, project)
    claims = records.conversions.claim(project, {digest: (task.id, 1, "superseded")})

    assert claims[digest] == ANOTHER
    assert claim(records, begin_task(records, project), digest) == OURS


def test_a_reuse_is_a_file_of_its_own_with_the_same_bytes(records: Records, project: ProjectId, earlier: File):
    task = begin_task(records, project)
    reuse = complete_conversion(records, task, earlier.conversion, shared(task, earlier))

    assert (reuse.id != earlier.id, reuse.key, reuse.shares_bytes) == (True, earlier.key, True)
    records.files.delete(project, earlier.id)
    assert records.files.is_key_named(earlier.key)
    assert records.files.find_unknown_keys([earlier.key, "prj_1/file_1"]) == {"prj_1/file_1"}
    assert records.conversions.find(project, [earlier.conversion])[earlier.conversion].file == reuse
    records.files.delete(project, reuse.id)
    assert not records.files.is_key_named(earlier.key)


def test_bytes_without_a_file_cannot_be_reused(records: Records, project: ProjectId, earlier: File):
    task = begin_task(records, project)
    records.files.delete(project, earlier.id)

    with pytest.raises(errors.ReusedFileDeleted):
        complete_conversion(records, task, earlier.conversion, shared(task, earlier))
    assert records.tasks.get(project, task.id).status == "processing"
    assert not records.files.is_key_named(earlier.key)


def test_a_deletion_waits_for_a_reuse_that_is_being_recorded(records: Records, project: ProjectId, earlier: File):
    """The row that the reuse inserts is visible before the deletion asks whether the bytes are still named."""
    task = begin_task(records, project)
    with ThreadPoolExecutor(2) as others, psycopg.connect(records.url) as blocking:
        blocking.execute("SELECT 1 FROM tasks WHERE id = %s FOR UPDATE", [task.id])
        recorded = others.submit(complete_conversion, records, task, earlier.conversion, shared(task, earlier))
        wait_for(lambda: waiting(records) == 1)
        deleted = others.submit(records.files.delete, project, earlier.id)
        wait_for(lambda: waiting(records) == 2)
        blocking.rollback()
        assert deleted.result(30) == earlier
        assert recorded.result(30).key == earlier.key

    assert records.files.is_key_named(earlier.key)


def waiting(records: Records) -> int:
    """How many statements of this database wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(records.url) as watcher:
        return watcher.execute(query).fetchone()[0]


def test_the_receipt_of_a_reuse_is_its_own(records: Records, project: ProjectId, earlier: File):
    task = begin_task(records, project)
    reuse = complete_conversion(records, task, earlier.conversion, shared(task, earlier))

    assert records.receipts.get_for_task(project, task.id).file_id == reuse.id
