"""Groups of real files: the results of single conversions, and one bad file costs itself alone."""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from penstock import engines
from penstock.conversion.convert import convert_original
from penstock.conversion.convert_group import GroupInput, GroupOptions, NeedsOwnRun, convert_group
from penstock.conversion.rendition import Workspace, original_of
from penstock.domain import errors
from penstock.domain.stages import Rendition
from penstock.domain.task import Task
from penstock.sandbox.supervise import Exit
from tests.conversion.workspaces import task_for, workspace_in

pytestmark = pytest.mark.media

OPTIONS = GroupOptions(max_seconds=100)


@pytest.fixture
def workspace(tools, tmp_path):
    return workspace_in(tmp_path, tools)


@pytest.fixture
def mixed(media, tmp_path) -> list[GroupInput]:
    """Files of every kind, and of every kind of damage, each with a possible or an impossible request."""
    rough, whole = tmp_path / "rough.jpeg", media("still.png").read_bytes()
    Image.effect_noise((200, 150), 90).convert("RGB").save(rough, quality=20)
    pillow_heif.register_heif_opener()
    Image.new("RGB", (64, 48), "#c03020").save(tmp_path / "photo.heic")
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpeg").write_text("no image")
    (tmp_path / "empty.gif").touch()
    lines = [
        (media("still.jpeg"), task_for("image", "webp", "tsk_jpeg", width=32)),
        (media("still.png"), task_for("image", "jpeg", "tsk_png")),
        (media("still.webp"), task_for("image", "png", "tsk_webp")),
        (media("moving.gif"), task_for("image", "webp", "tsk_gif")),
        (tmp_path / "photo.heic", task_for("image", "webp", "tsk_heic")),
        (rough, task_for("image", "jpeg", "tsk_kept", quality=0.9)),
        (media("tone.wav"), task_for("audio", "mp3", "tsk_audio")),
        (media("clip.mp4"), task_for("image", "webp", "tsk_frame", width=64)),
        (tmp_path / "cut.png", task_for("image", "webp", "tsk_cut")),
        (tmp_path / "text.jpeg", task_for("image", "webp", "tsk_text")),
        (tmp_path / "empty.gif", task_for("image", "webp", "tsk_empty")),
        (tmp_path / "absent.png", task_for("image", "webp", "tsk_absent")),
        (media("still.png"), task_for("image", "webp", "tsk_upscaled", width=4000)),
        (media("still.png"), task_for("video", "mp4", "tsk_impossible")),
    ]
    return [GroupInput(task, path) for path, task in lines]


def group_results(inputs: list[GroupInput], workspace: Workspace, options: GroupOptions = OPTIONS) -> dict[str, object]:
    return {each.task.id: each.result for each in convert_group(inputs, workspace, options)}


def alone(line: GroupInput, workspace: Workspace) -> Rendition | errors.MediaError:
    try:
        media = engines.probe(line.path, workspace.tools)
        return convert_original(original_of(line.task, line.path, media, workspace.services), workspace)
    except errors.MediaError as error:
        return error


def comparable(result: object) -> object:
    """A result without what differs from one conversion to the next."""
    if isinstance(result, errors.MediaError):
        return type(result), result.message
    assert isinstance(result, Rendition)
    work = replace(result.receipt.work, wall_seconds=0, cpu_seconds=0)
    return result.plan, result.facts, result.media, replace(result.receipt, work=work), result.path.read_bytes()


def test_each_file_of_a_group_has_the_result_of_a_single_conversion(mixed, tools, workspace, tmp_path):
    together = {task_id: comparable(result) for task_id, result in group_results(mixed, workspace).items()}
    singly = {}
    for line in mixed:
        (tmp_path / line.task.id).mkdir()
        singly[line.task.id] = comparable(alone(line, workspace_in(tmp_path / line.task.id, tools)))
    assert together == singly


def test_the_receipt_of_each_file_has_its_own_seconds(mixed, workspace):
    results = group_results(mixed, workspace).values()
    work = [result.receipt.work for result in results if isinstance(result, Rendition)]
    assert len(work) == 8
    assert all(each.wall_seconds > 0 and each.cpu_seconds > 0 for each in work)


def test_videos_outside_the_sample_have_no_score(media, workspace):
    inputs = [GroupInput(task_for("video", "mp4", name, width=64), media("clip.mkv")) for name in ("tsk_1", "tsk_2")]
    results = group_results(inputs, replace(workspace, is_scored=lambda task: task.id == "tsk_1"))
    assert results["tsk_1"].receipt.checks.quality is not None
    assert results["tsk_2"].receipt.checks.quality is None


def test_nothing_is_recorded(mixed, workspace):
    group_results(mixed, workspace)
    assert workspace.services.records.recorded == []


def test_a_cancelled_task_ends_alone(mixed, workspace):
    cancelled = ("tsk_png", "tsk_audio")
    results = group_results(mixed, workspace, replace(OPTIONS, is_stopped=lambda task_id: task_id in cancelled))
    stopped = [task_id for task_id, result in results.items() if isinstance(result, errors.Cancelled)]
    assert sorted(stopped) == sorted(cancelled)
    assert isinstance(results["tsk_jpeg"], Rendition)


def test_a_task_that_is_cancelled_while_ffmpeg_runs_ends_alone(media, workspace):
    inputs = [GroupInput(task_for("video", "webm", name), media("heavy.mp4")) for name in ("tsk_1", "tsk_2")]
    stopped = set()

    @contextmanager
    def reserve(_plan):
        stopped.add("tsk_1")
        yield

    options = replace(OPTIONS, is_stopped=stopped.__contains__, reserve=reserve)
    inputs[1] = GroupInput(task_for("video", "mp4", "tsk_2", width=64), media("clip.mp4"))
    results = group_results(inputs, workspace, options)
    assert isinstance(results["tsk_1"], errors.Cancelled)
    assert isinstance(results["tsk_2"], Rendition)


def test_a_stop_of_the_group_ends_it(mixed, workspace):
    class Stopped(engines.NoWatch):
        def stopped(self) -> bool:
            return True

    with pytest.raises(errors.Cancelled):
        list(convert_group(mixed, replace(workspace, watch=Stopped()), OPTIONS))


def test_a_file_whose_conversion_is_long_is_left_to_a_run_of_its_own(media, workspace):
    short, long = task_for("image", "webp", "tsk_short"), task_for("video", "webm", "tsk_long")
    inputs = [GroupInput(long, media("heavy.mp4")), GroupInput(short, media("still.png"))]
    results = group_results(inputs, workspace, GroupOptions(max_seconds=1))
    assert isinstance(results["tsk_long"], NeedsOwnRun)
    assert results["tsk_long"].seconds > 1
    assert isinstance(results["tsk_short"], Rendition)


def test_only_files_that_are_converted_alone_reserve_anything(mixed, workspace):
    reserved = []

    @contextmanager
    def reserve(plan):
        reserved.append(plan.format)
        yield

    group_results(mixed, workspace, replace(OPTIONS, reserve=reserve))
    assert sorted(reserved) == ["mp3", "webp"]


def test_a_larger_file_than_its_kind_allows_costs_itself_alone(media, workspace):
    limits = replace(workspace.services.limits, image_input_bytes=media("still.png").stat().st_size - 1)
    workspace.services.limits = limits
    inputs = [
        GroupInput(task_for("image", "webp", "tsk_large"), media("still.png")),
        GroupInput(task_for("audio", "ogg", "tsk_audio"), media("tone.mp3")),
    ]
    results = group_results(inputs, workspace)
    assert isinstance(results["tsk_large"], errors.InputTooLarge)
    assert isinstance(results["tsk_audio"], Rendition)


def test_a_file_that_needs_too_much_memory_costs_itself_alone(tools, tmp_path, media):
    Image.new("RGB", (6000, 6000)).save(tmp_path / "huge.tiff")
    small = replace(tools, limits=replace(tools.limits, child_memory_bytes=500 * 2**20))
    inputs = [
        GroupInput(task_for("image", "webp", "tsk_before"), media("still.jpeg")),
        GroupInput(task_for("image", "webp", "tsk_huge"), tmp_path / "huge.tiff"),
        GroupInput(task_for("image", "webp", "tsk_after"), media("still.png")),
    ]
    results = group_results(inputs, workspace_in(tmp_path, small))
    assert isinstance(results["tsk_huge"], errors.ResourceLimit)
    assert isinstance(results["tsk_before"], Rendition)
    assert isinstance(results["tsk_after"], Rendition)


def test_the_memory_of_a_child_does_not_grow_with_its_calls(tools, tmp_path):
    """The limit is little above what one of these photographs needs."""
    photo = tmp_path / "photo.jpeg"
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(photo, quality=90)
    limits = replace(tools.limits, child_memory_bytes=400 * 2**20)
    inputs = [_large_copy(photo, number) for number in range(8)]
    workspace = workspace_in(tmp_path, replace(tools, limits=limits))
    workspace.services.settings.receipt_stills = False
    spawned = _counting_children(workspace)
    results = group_results(inputs, workspace)
    assert all(isinstance(result, Rendition) for result in results.values())
    assert spawned() == 2


def _large_copy(photo: Path, number: int) -> GroupInput:
    path = photo.with_name(f"{number}.jpeg")
    shutil.copy(photo, path)
    task: Task = task_for("image", "webp", f"tsk_{number}", width=3000)
    return GroupInput(task, path)


def _counting_children(workspace: Workspace):
    """Returns a function that says how many children have ended."""
    children = []

    class Counting(engines.NoWatch):
        def ended(self, ended: Exit) -> None:
            children.append(ended)

    object.__setattr__(workspace, "watch", Counting())
    return lambda: len(children)


def test_an_input_that_is_written_to_while_it_is_converted_costs_itself_alone(workspace, media, tmp_path):
    """It may be a hard link of a file that another program writes."""
    changing, steady = tmp_path / "changing.png", tmp_path / "steady.png"
    for path in (changing, steady):
        shutil.copy(media("still.png"), path)
    inputs = [
        GroupInput(task_for("image", "webp", name), path, "0" * 64)
        for name, path in (("tsk_a", changing), ("tsk_b", steady))
    ]

    def find_earlier(_wanted):  # is asked between the probe and the encode
        shutil.copy(media("still.png"), changing)
        return {}

    results = group_results(inputs, workspace, replace(OPTIONS, find_earlier=find_earlier))

    assert isinstance(results["tsk_a"], errors.InputChanged)
    assert isinstance(results["tsk_b"], Rendition)
