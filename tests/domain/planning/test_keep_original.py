from dataclasses import replace

import pytest

from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.domain.planning.keep_original import plan_keeping_original
from penstock.domain.planning.plan import Copy, EncodeAudio, KeepImage
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import plan_summary
from tests.domain.facts import asked, audio, image, video

LIMITS = Limits()
LAVISH = 90_000_000


def test_a_video_encoded_only_to_make_it_smaller_can_be_copied_instead():
    media = video(bitrate=LAVISH)
    instead = plan_keeping_original(plan_for(asked("video", "mp4", quality=0.9), media, LIMITS), media)
    assert isinstance(instead.video, Copy)
    assert plan_summary(instead)["video"] == "copy h264, because re-encoding made it larger"


def test_audio_encoded_only_to_make_it_smaller_can_be_copied_too():
    media = audio("mp3", codec="mp3", bitrate=LAVISH)
    instead = plan_keeping_original(plan_for(asked("audio", "mp3", quality=0.9), media, LIMITS), media)
    assert instead.audio.because == "re-encoding made it larger"


@pytest.mark.parametrize("wish", [{"width": 640}, {"start": 1}])
def test_a_video_that_has_to_change_stays_encoded(wish):
    media = video(bitrate=LAVISH)
    assert plan_keeping_original(plan_for(asked("video", "mp4", quality=0.9, **wish), media, LIMITS), media) is None


def test_a_plan_that_copies_everything_is_not_changed():
    assert plan_keeping_original(plan_for(asked("video", "mp4"), video(), LIMITS), video()) is None


def test_audio_of_another_codec_stays_encoded():
    media = video(bitrate=LAVISH)
    media = replace(media, audio=replace(media.audio, codec="ac3"))
    instead = plan_keeping_original(plan_for(asked("video", "mp4", quality=0.9), media, LIMITS), media)
    assert isinstance(instead.video, Copy)
    assert isinstance(instead.audio, EncodeAudio)


def test_an_image_is_kept_if_it_is_already_as_requested():
    media = image()
    plan = plan_for(asked("image", "jpeg"), media, LIMITS)
    assert plan_keeping_original(plan, media) == KeepImage("jpeg", media.image.size, None, "re-encoding made it larger")


@pytest.mark.parametrize(
    "change",
    [{"orientation": 6}, {"profile": True}, {"mode": "CMYK"}, {"size": Size(4000, 3001)}],
)
def test_an_image_that_has_to_change_is_not_kept(change):
    media = image()
    plan = plan_for(asked("image", "jpeg"), media, LIMITS)
    assert plan_keeping_original(plan, replace(media, image=replace(media.image, **change))) is None


def test_an_image_of_another_format_or_size_is_not_kept():
    media = image()
    assert plan_keeping_original(plan_for(asked("image", "webp"), media, LIMITS), media) is None
    assert plan_keeping_original(plan_for(asked("image", "jpeg", width=100), media, LIMITS), media) is None
