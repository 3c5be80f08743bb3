"""Each stage of a run, called as Prefect calls it, on real records; what would call Prefect is a fake."""

from contextlib import contextmanager
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.logging import disable_run_logger

from penstock.conversion import located_requests
from penstock.conversion.outputs import output_file
from penstock.domain import errors
from penstock.domain.media import Media, Size
from penstock.domain.planning.plan import KeepImage
from penstock.domain.stages import Rendition, Reuse, Stored
from penstock.orchestration.run.lifecycle import open_run
from penstock.tasks import accept as accepting
from penstock.tasks import fetch as fetching
from penstock.tasks import record as recording
from penstock.tasks import transcode as transcoding
from penstock.tasks import validate as validating
from penstock.tasks.upload import upload
from tests.records.rows import FACTS, complete_task, output_of, video_request

MEDIA = Media("video", "mp4", 1)
RUN_ID = str(uuid4())


@pytest.fixture(autouse=True)
def _inside_a_prefect_run(monkeypatch):
    present = SimpleNamespace(id=RUN_ID)
    for module in (accepting, validating):
        monkeypatch.setattr(module, "flow_run", present)

    monkeypatch.setattr(accepting, "name_run", lambda _task: None)
    with disable_run_logger():
        yield


@pytest.fixture
def task(host, project):
    return host.records.tasks.submit(project, video_request())


@pytest.fixture
def run(host, task):
    with open_run(task.id, 1, host) as opened:
        yield opened


@pytest.fixture
def taken(host, run):
    lease = run.lease
    return host.records.tasks.begin(lease.task_id, lease.attempt, lease.owner, RUN_ID)


@pytest.fixture
def rendition(run, taken):
    path = run.scratch / "output"
    path.write_bytes(b"video")
    plan = KeepImage("jpeg", Size(1, 1), None, "")
    return Rendition(taken, path, plan, FACTS, media=None, receipt=None)


def test_validate_takes_the_task_and_starts_the_heartbeat(host, task, run):
    accepted = validating.validate.fn(run)

    assert (accepted.task.id, accepted.task.run_id, accepted.file) == (task.id, RUN_ID, None)
    host.records.tasks.cancel(task.project_id, task.id)
    assert run.stop.wait(30), "the heartbeat learns of the cancel"


def test_validate_refuses_an_attempt_that_another_run_has(host, run, taken):
    with open_run(run.lease.task_id, 1, host) as second, pytest.raises(errors.Superseded):
        validating.validate.fn(second)


def test_fetch_and_transcode_return_what_the_library_makes(run, monkeypatch):
    monkeypatch.setattr(fetching, "fetch_input", lambda accepted, workspace: (accepted, workspace.scratch))
    run = SimpleNamespace(
        stages=run.stages, scratch=run.scratch, workspace=run.workspace,
        services=SimpleNamespace(fetch_policy=SimpleNamespace(longest_seconds=1)),
    )  # fmt: skip

    assert fetching.fetch.fn("accepted", run) == ("accepted", run.scratch)
    assert run.stages.step == "fetch"


class Held:
    """Counts who is inside, as slots and the transcode lock."""

    def __init__(self):
        self.inside: list[str] = []

    @contextmanager
    def _enter(self, name):
        self.inside.append(name)
        yield
        self.inside.remove(name)

    def hold(self, _run):
        return self._enter("slot")

    def shared(self, _run):
        return self._enter("shared")

    def exclusive(self, _run):
        return self._enter("exclusive")


@pytest.fixture
def held(monkeypatch):
    made = Held()
    monkeypatch.setattr(transcoding, "process_encoder_slots", lambda _records: made)
    monkeypatch.setattr(transcoding, "process_transcode_lock", lambda: made)
    return made


def transcode_with(monkeypatch, run, task, needs_slot, held):
    """What is held while the encoder runs."""
    seen = []

    def convert(_original, _workspace, reserve, *_):
        with reserve("plan"):
            seen.extend(held.inside)

    monkeypatch.setattr(transcoding, "name_stage", lambda _plan: None)
    monkeypatch.setattr(transcoding, "needs_slot", lambda _plan: needs_slot)
    monkeypatch.setattr(transcoding, "convert_original", convert)
    transcoding.transcode.fn(SimpleNamespace(task=task, media=MEDIA), run)
    return seen


def test_a_video_encoder_holds_a_slot(run, task, held, monkeypatch):
    assert transcode_with(monkeypatch, run, task, True, held) == ["slot", "shared"]
    assert held.inside == []


def test_an_image_needs_no_slot(run, task, held, monkeypatch):
    assert transcode_with(monkeypatch, run, task, False, held) == ["shared"]


def test_a_run_that_was_short_of_memory_encodes_alone(run, task, held, monkeypatch):
    with pytest.raises(errors.ResourceShortage), run.stages.stage("transcode", 60):
        raise errors.ResourceShortage("memory")

    assert transcode_with(monkeypatch, run, task, False, held) == ["exclusive"]


def test_upload_stores_the_output_under_the_id_of_the_lease(host, run, rendition):
    stored = upload.fn(rendition, run)

    assert stored.file.id == run.lease.output_id
    assert host.objects.exists(stored.file.key)


def test_a_second_try_of_upload_stores_the_same_file(run, rendition):
    assert upload.fn(rendition, run).file.key == upload.fn(rendition, run).file.key


def test_the_output_of_an_equal_conversion_is_linked_and_not_stored_again(host, run, taken):
    earlier = output_of(taken)
    file = upload.fn(Reuse(taken, earlier, receipt=None), run).file

    assert (file.id, file.task_id, file.key, file.facts) == (run.lease.output_id, taken.id, earlier.key, earlier.facts)
    assert not host.objects.exists(run.lease.output_key(taken.project_id))


@pytest.mark.parametrize(("setting", "asks_the_records"), [("on", True), ("off", False)])
def test_equal_conversions_are_looked_up_unless_the_setting_is_off(run, taken, monkeypatch, setting, asks_the_records):
    host = run.services
    monkeypatch.setattr(transcoding, "convert_original", lambda *given: given[3])
    monkeypatch.setattr(host.settings, "reuse", setting)
    find_earlier = transcoding.transcode.fn(SimpleNamespace(task=taken, media=MEDIA), run)

    assert find_earlier("a digest") is None
    other = host.records.tasks.submit(taken.project_id, video_request("https://example.com/b.mp4"))
    host.records.tasks.begin(other.id, 1, "other", "run")
    claim = host.records.conversions.claim(taken.project_id, {"a digest": (other.id, 1, "other")})
    assert claim["a digest"].is_ours != asks_the_records


def test_upload_stops_with_the_run(run, rendition):
    run.stop.stop("cancelled")
    with pytest.raises(errors.Cancelled):
        upload.fn(rendition, run)


def test_record_publishes_the_file_and_completes_the_task(host, run, rendition):
    file = output_file(rendition, run.lease.output_id)
    completed_task = recording.record.fn(Stored(rendition.task, file, None), run)

    assert (completed_task.status, completed_task.output.id) == ("completed", file.id)


def test_a_verified_output_is_gone_once_it_is_recorded(host, run, rendition):
    kept = host.settings.kept_outputs / run.lease.task_id
    kept.mkdir(parents=True)
    file = output_file(rendition, run.lease.output_id)
    recording.record.fn(Stored(rendition.task, file, None), run)

    assert not kept.exists()


def test_the_output_belongs_to_the_task_and_its_project(run, rendition):
    file = output_file(rendition, run.lease.output_id)

    assert (file.project_id, file.task_id) == (rendition.task.project_id, rendition.task.id)


@pytest.fixture
def services(host):
    return SimpleNamespace(records=host.records, queue_limits=None, fetch_policy=None, settings=host.settings)


def parameters(url: str) -> dict[str, object]:
    return {"url": url, "kind": "video", "format": "mp4"}


def test_a_new_request_is_this_run_s_to_convert(services, project):
    accepted = accepting.accept.fn(parameters("https://example.com/new.mp4"), project, services)

    assert (accepted.skip_reason, accepted.task.run_id) == (None, RUN_ID)


def test_a_request_that_another_run_converts_is_skipped(services, host, project, task):
    entry = next(each for each in host.records.tasks.claim_due(10_000) if each.task_id == task.id)
    host.records.tasks.record_run(entry, str(uuid4()))
    accepted = accepting.accept.fn(parameters(task.request.url), project, services)

    assert accepted.task.id == task.id
    assert "another run" in accepted.skip_reason


@pytest.fixture
def done(host, task):
    return complete_task(host.records, task)


def test_a_completed_request_with_the_same_input_is_skipped(services, project, done, monkeypatch):
    monkeypatch.setattr(located_requests, "is_unchanged", lambda *_: True)
    accepted = accepting.accept.fn(parameters(done.request.url), project, services)

    assert accepted.skip_reason.startswith("unchanged since ")


def test_a_completed_request_whose_input_version_is_unknown_is_converted_again(services, project, done):
    accepted = accepting.accept.fn(parameters(done.request.url), project, services)

    assert (accepted.task.id, accepted.task.attempt, accepted.skip_reason) == (done.id, 2, None)


def test_an_invalid_request_is_refused(services, project):
    with pytest.raises(errors.InvalidRequest):
        accepting.accept.fn({"kind": "video"}, project, services)


def test_a_request_for_an_unknown_project_is_refused(services):
    with pytest.raises(errors.NotFound):
        accepting.accept.fn(parameters("https://example.com/a.mp4"), "prj_unknown", services)
