import pytest

from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.domain.planning.plan import needs_slot, output_filename, planned_size
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import plan_summary
from tests.domain.facts import asked, audio, image, video


def test_a_summary_says_what_is_done_to_each_stream_and_why():
    assert plan_summary(_plan("video", "mp4", width=640)) == {
        "format": "mp4",
        "video": "encode h264 640x360, because another size was requested",
        "audio": "copy aac, because it already meets the request",
    }


@pytest.mark.parametrize(("kind", "output"), [("audio", "mp3"), ("image", "png"), ("video", "webm")])
def test_every_plan_has_a_summary(kind, output):
    assert "because" in str(plan_summary(_plan(kind, output)))


def test_gifs_and_images_have_a_summary():
    assert "16.67 frames" in plan_summary(_plan("image", "gif", end=1, width=640))["image"]
    still = plan_for(asked("image", "webp"), image(), Limits())
    assert plan_summary(still)["image"].startswith("render webp 1920x1080")


@pytest.mark.parametrize(
    ("kind", "output", "needed"), [("video", "webm", True), ("video", "mp4", False), ("image", "png", False)]
)
def test_only_an_encoder_needs_a_slot(kind, output, needed):
    assert needs_slot(_plan(kind, output)) is needed


def test_an_audio_encoder_needs_a_slot_too():
    assert needs_slot(plan_for(asked("audio", "mp3"), audio(), Limits()))


def test_the_output_is_named_after_its_format():
    assert output_filename(_plan("video", "webm")) == "output.webm"


def test_a_copied_video_has_no_planned_size():
    assert planned_size(_plan("video", "mp4")) is None
    assert planned_size(_plan("video", "webm", width=640)) == Size(640, 360)


def _plan(kind, output, **fields):
    return plan_for(asked(kind, output, **fields), video(), Limits())
