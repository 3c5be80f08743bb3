"""Conversions of real files, without Prefect: fetch, plan, encode, verify, keep the smaller input, score."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from penstock import engines
from penstock.conversion.convert import convert_original, fetch_input
from penstock.conversion.rendition import Workspace
from penstock.domain import errors
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.stages import Accepted, Original
from penstock.domain.task import File, FileFacts
from penstock.engines import NoWatch
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Exit
from tests.conversion.workspaces import NOW, task_for, workspace_in
from tests.range_origin import running_range_origin

pytestmark = pytest.mark.media


@pytest.fixture
def workspace(tools, tmp_path):
    return workspace_in(tmp_path, tools)


def original_of(path: Path, workspace: Workspace, kind: str, target: str, **more: object) -> Original:
    return Original(task_for(kind, target, **more), path, engines.probe(path, workspace.services.tools))


@pytest.fixture
def rough_jpeg(tmp_path) -> Path:
    """Noise at low quality: any new encode of it is larger."""
    path = tmp_path / "rough.jpeg"
    Image.effect_noise((200, 150), 90).convert("RGB").save(path, quality=20)
    return path


def test_a_url_is_downloaded_and_probed_and_its_version_recorded(media, workspace):
    with running_range_origin() as origin:
        origin.files = {"clip.mp4": media("clip.mp4").read_bytes()}
        task = task_for("video", "webm", url=f"{origin.address}/parts/clip.mp4")
        original = fetch_input(Accepted(task, None), workspace)

    assert original.path.read_bytes() == media("clip.mp4").read_bytes()
    assert (original.media.kind, original.media.container) == ("video", "mp4")
    ((name, version),) = workspace.services.records.recorded
    assert (name, version.length) == ("version", original.media.filesize)


def fetch_stored(path: Path, workspace: Workspace) -> Original:
    file_id = new_file_id()
    facts = FileFacts("image", "png", "image/png", filesize=1, sha256="ab")
    file = File(file_id, ProjectId("prj_1"), "file", facts, f"prj_1/{file_id}", None, NOW, NOW)
    workspace.services.objects.put(path, file.key, "image/png")
    return fetch_input(Accepted(task_for("image", "webp", file_id=file_id), file), workspace)


def test_a_stored_input_comes_from_the_storage(media, workspace):
    fetched = fetch_stored(media("still.png"), workspace)
    [(_, version)] = workspace.services.records.recorded

    assert (fetched.media.kind, version.length, version.sha256) == ("image", 1, "ab")


def test_a_second_try_replaces_the_files_of_the_first(media, workspace):
    (workspace.scratch / "input").write_bytes(b"half a download")

    assert fetch_stored(media("still.png"), workspace).path.read_bytes() == media("still.png").read_bytes()


def test_an_input_larger_than_its_kind_allows_is_refused(media, workspace, monkeypatch):
    monkeypatch.setattr(engines, "probe", lambda *_: SimpleNamespace(kind="image", filesize=2**40))
    with pytest.raises(errors.InputTooLarge):
        fetch_stored(media("still.png"), workspace)


def test_a_rendition_has_the_facts_and_the_receipt_of_its_output(media, workspace):
    original = original_of(media("clip.mp4"), workspace, "video", "webm", width=64)
    rendition = convert_original(original, workspace)

    assert (rendition.facts.format, rendition.facts.width) == ("webm", 64)
    assert rendition.path.stat().st_size == rendition.facts.filesize
    assert rendition.receipt.work.cpu_seconds > 0
    assert rendition.receipt.checks.quality.frames == 2


def test_the_plan_is_recorded_before_the_encoder_starts_and_the_encoder_holds_what_is_reserved(media, workspace):
    order, recorded = [], workspace.services.records.recorded

    @contextmanager
    def reserve(plan):
        order.append(("reserved", plan.format, len(recorded)))
        yield
        order.append(("released", [path.suffix for path in (workspace.scratch / "output").iterdir()], len(recorded)))

    convert_original(original_of(media("still.png"), workspace, "image", "webp"), workspace, reserve)

    assert order == [("reserved", "webp", 1), ("released", [".webp"], 1)]


def test_an_input_that_is_already_what_was_requested_is_kept_where_re_encoding_makes_it_larger(rough_jpeg, workspace):
    rendition = convert_original(original_of(rough_jpeg, workspace, "image", "jpeg", quality=0.9), workspace)

    assert rendition.facts.filesize <= rough_jpeg.stat().st_size
    assert "re-encoding made it larger" in str(rendition.receipt.work.plan)
    assert [name for name, _ in workspace.services.records.recorded] == ["plan", "plan"]


def test_the_encoded_output_is_used_where_the_input_cannot_be_kept(rough_jpeg, workspace, monkeypatch):
    make_image = engines.make_image

    def refuse_to_keep(conversion, tools, watch):
        if conversion.folder.name == "kept":
            raise errors.EngineError("no")
        return make_image(conversion, tools, watch)

    monkeypatch.setattr(engines, "make_image", refuse_to_keep)
    rendition = convert_original(original_of(rough_jpeg, workspace, "image", "jpeg", quality=0.9), workspace)

    assert rendition.facts.filesize > rough_jpeg.stat().st_size
    assert [name for name, _ in workspace.services.records.recorded] == ["plan"]


def test_an_impossible_request_is_refused_before_anything_is_reserved(media, workspace):
    original = original_of(media("still.png"), workspace, "image", "webp", width=4000)
    with pytest.raises(errors.UpscaleNotAllowed):
        convert_original(original, workspace, lambda _plan: pytest.fail("reserved"))


def test_an_output_that_is_not_what_was_planned_is_never_returned(media, workspace, monkeypatch):
    monkeypatch.setattr(engines, "encode", lambda *_: media("moving.gif"))
    with pytest.raises(errors.OutputInvalid):
        convert_original(original_of(media("clip.mp4"), workspace, "video", "mp4", width=80), workspace)


def test_a_stop_kills_the_encoder(media, tools, workspace):
    class Stopped(NoWatch):
        def stopped(self) -> bool:
            return True

    original = original_of(media("clip.mp4"), workspace, "video", "webm")
    stopped = Workspace(workspace.services, workspace.scratch, Stopped())
    with pytest.raises(errors.Cancelled):
        convert_original(original, stopped)


def test_no_frames_are_scored_if_the_settings_say_so(media, workspace):
    workspace.services.settings.receipt_stills = False
    rendition = convert_original(original_of(media("still.png"), workspace, "image", "webp"), workspace)

    assert rendition.receipt.checks.quality is None


def test_the_cpu_meter_passes_everything_on():
    class Watched(NoWatch):
        def __init__(self):
            self.seen = []

        def progress(self, percent):
            self.seen.append(percent)

        def ended(self, ended):
            self.seen.append(ended)

    watch = Watched()
    meter = engines.CpuMeter(watch)
    meter.progress(7)
    first, second = Exit("exited", 0, "", 1.5), Exit("exited", 0, "", 1.0)
    meter.ended(first)
    meter.ended(second)

    assert (watch.seen, meter.cpu_seconds, meter.stopped()) == ([7, first, second], 2.5, False)


class WatchedPool(SandboxPool):
    """Remembers what the jobs of another pool declare."""

    def __init__(self, pool: SandboxPool) -> None:
        super().__init__("", pool.jail)
        self.pool, self.declared = pool, []

    def start(self, job):
        self.declared.append(job.paths)
        return self.pool.start(job)


@pytest.mark.parametrize(("source", "kind", "target"), [("clip.mp4", "video", "webm"), ("clip.mp4", "image", "jpeg")])
def test_no_child_can_write_to_the_input_which_may_be_a_link_to_the_stored_file(media, workspace, source, kind, target):
    watched = WatchedPool(workspace.tools.pool)
    workspace.services.tools = replace(workspace.tools, pool=watched)
    path = workspace.scratch / "input"
    path.hardlink_to(media(source))

    convert_original(original_of(path, workspace, kind, target), workspace)

    writable = {Path(folder) for paths in watched.declared for folder in paths.writing}
    assert writable
    assert not {path, *path.parents} & writable
