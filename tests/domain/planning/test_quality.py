import pytest

from penstock.domain.planning.quality import (
    SCALES,
    audio_kbps,
    encoder_setting,
    ffmpeg_dither,
    full_chroma,
    gif_dither_strength,
    image_setting,
    video_kbps,
)

LOWER_IS_BETTER = {"h264", "vp9", "mpeg4", "mp3"}


def test_the_measured_qualities_are_met():
    assert (encoder_setting("h264", 0.8), encoder_setting("jpeg", 0.4), encoder_setting("webp", 1.0)) == (24, 46, 100)


def test_settings_are_interpolated_between_the_measured_qualities():
    assert encoder_setting("h264", 0.7) == pytest.approx((28.8 + 24) / 2)


def test_whole_numbers_are_whole():
    assert encoder_setting("vp9", 0.75) == 34


@pytest.mark.parametrize("encoder", SCALES)
def test_more_quality_is_never_worse(encoder):
    numbers = [encoder_setting(encoder, step / 100) for step in range(101)]
    assert numbers == sorted(numbers, reverse=encoder in LOWER_IS_BETTER)
    assert numbers[0] != numbers[-1]


@pytest.mark.parametrize("encoder", SCALES)
def test_every_encoder_takes_every_quality(encoder):
    scale = SCALES[encoder]
    assert all(scale.low <= encoder_setting(encoder, step / 20) <= scale.high for step in range(21))


@pytest.mark.parametrize(
    ("quality", "pixels", "full"), [(0.8, 320 * 240, True), (0.8, 10**6, False), (0.9, 10**6, True)]
)
def test_small_and_high_quality_images_are_444(quality, pixels, full):
    assert full_chroma(quality, pixels) is full


def test_small_images_need_a_higher_webp_quality():
    assert image_setting("webp", 0.8, 320 * 240) > image_setting("webp", 0.8, 10**6) == encoder_setting("webp", 0.8)
    assert image_setting("png", 0.4, 320 * 240) == encoder_setting("png", 0.4)


def test_the_dithering_of_images_grows_with_quality():
    spreads = [gif_dither_strength(step / 20) for step in range(21)]
    assert spreads == sorted(spreads)
    assert (spreads[0], spreads[-1]) == (0, 0.5)


def test_the_dithering_of_videos_grows_with_quality():
    assert [ffmpeg_dither(quality) for quality in (0, 0.5, 0.8, 1)] == [
        "none",
        "bayer:bayer_scale=5",
        "bayer:bayer_scale=3",
        "sierra2_4a",
    ]


def test_more_channels_take_more_bits():
    assert audio_kbps("aac", 0.8, 1) < audio_kbps("aac", 0.8, 2) < audio_kbps("aac", 0.8, 6)


def test_larger_frames_take_more_bits():
    assert video_kbps("h264", 0.8, 640 * 360, 30) == pytest.approx(450)
    assert video_kbps("h264", 0.8, 1920 * 1080, 30) > 2000
