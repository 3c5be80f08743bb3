"""A plan as steps: for each stream what is done, to what, and why."""

from dataclasses import replace

from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import codecs_of, cost_class, output_duration, output_size, plan_summary, steps_of
from tests.domain.facts import asked, image, video


def plan(kind, output, **fields):
    return plan_for(asked(kind, output, **fields), video(), Limits())


def test_each_stream_has_a_step_with_a_reason():
    picture, sound = steps_of(plan("video", "mp4", width=640))
    assert (picture.stream, picture.action, picture.codec) == ("video", "encode", "h264")
    assert (sound.stream, sound.action, sound.codec) == ("audio", "copy", "aac")
    assert picture.because == "another size was requested"


def test_channels_are_counted_in_words():
    mono = replace(video(), audio=replace(video().audio, channels=1))
    assert plan_summary(plan_for(asked("audio", "mp3"), mono, Limits()))["audio"].startswith(
        "encode mp3 with 1 channel, "
    )
    assert plan_summary(plan("audio", "mp3"))["audio"].startswith("encode mp3 with 2 channels, ")


def test_an_image_has_one_step():
    (step,) = steps_of(plan("image", "jpeg"))
    assert (step.stream, step.action, step.codec) == ("image", "render", "jpeg")


def test_the_codecs_are_listed_as_in_a_file():
    assert codecs_of(plan("video", "webm")) == "vp9,opus"
    assert codecs_of(plan("audio", "mp3")) == "mp3"
    assert codecs_of(plan("image", "gif", end=2)) is None


def test_a_copied_video_keeps_its_size():
    assert output_size(plan("video", "mp4"), video()) == Size(1920, 1080)
    assert output_size(plan("video", "mp4", width=640), video()) == Size(640, 360)
    assert output_size(plan("audio", "mp3"), video()) is None


def test_outputs_other_than_stills_have_a_duration():
    assert output_duration(plan("video", "mp4", end=4)) == 4
    assert output_duration(plan("image", "jpeg")) is None
    assert output_duration(plan_for(asked("image", "png"), image(), Limits())) is None


def test_conversions_with_equal_steps_have_one_cost_class():
    assert cost_class(plan("video", "mp4", width=640)) == cost_class(plan("video", "mp4", height=90))
    assert cost_class(plan("video", "mp4", width=640)) == "mp4 encode:h264 copy:aac"
    assert cost_class(plan("video", "mp4")) == "mp4 copy:h264 copy:aac"
