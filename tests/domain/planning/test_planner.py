from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.domain.planning.plan import AudioPlan, Copy, Cut, EncodeAudio, EncodeVideo, FramePlan, GifPlan, ImagePlan
from penstock.domain.planning.planner import plan_for
from tests.domain.facts import AAC, asked, audio, image, video

LIMITS = Limits()


def test_streams_that_meet_the_request_are_copied():
    plan = _video_plan(video())
    assert isinstance(plan.video, Copy)
    assert isinstance(plan.audio, Copy)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"codec": "hevc"}, "hevc"),
        ({"profile": "High 10"}, "profile"),
        ({"level": 60}, "level"),
        ({"pixel_format": "yuv420p10le"}, "yuv420p10le"),
        ({"full_range": True}, "range"),
        ({"transfer": "smpte2084"}, "HDR"),
        ({"rotation": 90, "shown": Size(1080, 1920)}, "upright"),
        ({"mirrored": True}, "upright"),
        ({"interlaced": True}, "interlaced"),
        ({"resized": True}, "change in size"),
        ({"starts_with_key": False}, "keyframe"),
    ],
)
def test_a_video_that_does_not_play_everywhere_is_encoded(change, reason):
    plan = _video_plan(video(**change))
    assert isinstance(plan.video, EncodeVideo)
    assert reason in plan.video.because


def test_a_smaller_size_is_encoded_and_the_audio_copied():
    plan = _video_plan(video(), width=640)
    assert plan.video == replace(plan.video, codec="h264", because="another size was requested")
    assert isinstance(plan.audio, Copy)


def test_a_cut_is_encoded_so_that_it_is_exact():
    plan = _video_plan(video(), start=1, end=3)
    assert (plan.cut, plan.duration) == (Cut(1, 2), 2)
    assert isinstance(plan.video, EncodeVideo)
    assert isinstance(plan.audio, EncodeAudio)


def test_an_end_after_the_input_is_no_cut():
    assert _video_plan(video(), end=99).cut == Cut()


def test_a_start_after_the_input_is_rejected():
    with pytest.raises(errors.FieldInvalid, match="ends after") as refused:
        _video_plan(video(), start=10)
    assert refused.value.field == "start"


def test_a_start_within_the_last_frame_includes_it():
    late = _video_plan(video(fps=25.0, duration=10.0), start=9.99)
    assert late.cut.start == pytest.approx(10 - 1.5 / 25)
    ended = _video_plan(video(fps=25.0, duration=10.0), start=9.99, end=9.995)
    assert ended.cut.start + ended.cut.seconds == pytest.approx(9.995)


@pytest.mark.parametrize(
    ("cut", "silent"), [({"start": 5}, True), ({"start": 4}, False), ({"end": 1}, True), ({}, False)]
)
def test_a_cut_after_the_end_of_the_audio_has_no_audio(cut, silent):
    film = video()
    media = replace(film, audio=replace(film.audio, start=1.0, duration=4.0))
    assert (_video_plan(media, **cut).audio is None) == silent


def test_a_start_within_a_long_frame_is_kept():
    assert _video_plan(video(fps=0.5, duration=10.0), start=9).cut.start == 9


@pytest.mark.parametrize("uneven", [False, True])
def test_a_start_after_the_video_stream_is_rejected(uneven):
    with pytest.raises(errors.FieldInvalid, match="ends after"):
        _video_plan(video(duration=5.0, variable_rate=uneven), start=7)


@pytest.mark.parametrize(("bitrate", "step"), [(8_000_000, EncodeVideo), (300_000, Copy)])
def test_a_lower_quality_encodes_only_high_bitrates(bitrate, step):
    assert isinstance(_video_plan(video(bitrate=bitrate), quality=0.4).video, step)


def test_the_default_quality_copies_any_bitrate():
    assert isinstance(_video_plan(video(bitrate=80_000_000)).video, Copy)


def test_surround_becomes_stereo_where_the_format_has_no_more():
    surround = replace(AAC, codec="ac3", channels=6)
    channels = {
        output: plan_for(asked("video", output), video(sound=surround), LIMITS).audio.channels
        for output in ("mp4", "webm", "avi")
    }
    assert channels == {"mp4": 6, "webm": 6, "avi": 2}


@pytest.mark.parametrize(
    ("output", "codec"), [("mp3", "mp3"), ("wav", "pcm_s16le"), ("ogg", "vorbis"), ("flac", "flac")]
)
def test_audio_is_encoded_with_the_codec_of_its_format(output, codec):
    plan = plan_for(asked("audio", output), audio(), LIMITS)
    assert isinstance(plan, AudioPlan)
    assert plan.audio.codec == codec


def test_audio_of_the_same_codec_is_copied():
    plan = plan_for(asked("audio", "mp3"), audio("mp3", codec="mp3", profile=None), LIMITS)
    assert isinstance(plan.audio, Copy)


def test_tags_are_kept():
    tagged = replace(audio(), tags={"title": "A song"})
    assert plan_for(asked("audio", "mp3"), tagged, LIMITS).tags == {"title": "A song"}


def test_a_video_becomes_an_animated_gif():
    plan = plan_for(asked("image", "gif", end=2), video(), LIMITS)
    assert isinstance(plan, GifPlan)
    assert plan.fps == 16.67


def test_a_gif_has_no_higher_frame_rate_than_its_video():
    assert plan_for(asked("image", "gif", end=2, quality=1), video(fps=12.0), LIMITS).fps == 12.0


def test_a_gif_of_a_variable_rate_video_has_the_full_frame_rate():
    uneven = video(fps=0.3, variable_rate=True)
    assert plan_for(asked("image", "gif", end=2, quality=0.4), uneven, LIMITS).fps == 12.5


def test_a_gif_of_too_many_frames_names_start_and_end():
    with pytest.raises(errors.InputLimitsExceeded, match="start and end"):
        plan_for(asked("image", "gif", width=64), replace(video(duration=90.0), duration=90.0), LIMITS)


def test_a_gif_of_too_many_pixels_is_refused():
    with pytest.raises(errors.InputLimitsExceeded, match="smaller size"):
        plan_for(asked("image", "gif"), video(), LIMITS)


@pytest.mark.parametrize("output", ["jpeg", "png", "webp"])
def test_a_video_becomes_a_representative_still(output):
    plan = plan_for(asked("image", output), video(), LIMITS)
    assert isinstance(plan, FramePlan)
    assert plan.at is None


def test_a_still_image_can_be_taken_at_a_time():
    assert plan_for(asked("image", "png", at=2.5), video(), LIMITS).at == 2.5


def test_a_time_after_the_end_is_rejected():
    with pytest.raises(errors.FieldInvalid) as refused:
        plan_for(asked("image", "png", at=10), video(), LIMITS)
    assert refused.value.field == "at"


def test_start_does_not_apply_to_a_still_image():
    with pytest.raises(errors.FieldInvalid, match="at"):
        plan_for(asked("image", "webp", start=1), video(), LIMITS)


@pytest.mark.parametrize(("output", "animated"), [("gif", True), ("webp", True), ("png", False), ("jpeg", False)])
def test_animations_stay_animated_if_the_format_supports_it(output, animated):
    moving = image("gif", frames=4, duration=0.4)
    plan = plan_for(asked("image", output), moving, LIMITS)
    assert isinstance(plan, ImagePlan)
    assert plan.animated is animated


@pytest.mark.parametrize(("output", "flatten"), [("jpeg", True), ("png", False), ("webp", False), ("gif", False)])
def test_transparency_is_flattened_only_if_the_format_needs_it(output, flatten):
    assert plan_for(asked("image", output), image("png", alpha=True), LIMITS).flatten is flatten


def test_padding_cannot_exceed_the_size_limits():
    with pytest.raises(errors.InputLimitsExceeded):
        plan_for(asked("video", "mp4", width=1000, height=60_000, fit="pad"), video(), LIMITS)


def test_upscaling_is_refused_while_planning():
    with pytest.raises(errors.UpscaleNotAllowed):
        _video_plan(video(), width=3840)


def _video_plan(media, **fields):
    return plan_for(asked("video", "mp4", **fields), media, LIMITS)


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "gif"])
@pytest.mark.parametrize("field", ["start", "end", "at"])
def test_times_do_not_apply_to_a_still_image(output, field):
    # Unchecked: some are refused for the format alone, before the input is known.
    request = asked("image", output).model_copy(update={field: 1.0})

    with pytest.raises(errors.FieldInvalid) as refused:
        plan_for(request, image("png"), LIMITS)
    assert refused.value.field == field


def test_an_animation_can_be_cut_but_has_no_at():
    moving = image("gif", frames=20, duration=4.0)

    assert plan_for(asked("image", "webp", start=1, end=2), moving, LIMITS).cut == Cut(1.0, 1.0)
    with pytest.raises(errors.FieldInvalid, match="at applies to a video"):
        plan_for(asked("image", "webp", at=1), moving, LIMITS)


def test_default_times_are_accepted_for_a_still_image():
    assert plan_for(asked("image", "webp", start=0, at="auto"), image("png"), LIMITS).frames == 1
