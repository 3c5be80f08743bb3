"""Facts of video, audio and image files, and what is rejected."""

import struct
from dataclasses import replace
from fractions import Fraction

import pytest

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.engines import probe, probe_header

pytestmark = pytest.mark.media

VIDEOS = {
    "clip.mp4": ("h264", "aac"),
    "clip.mov": ("h264", "pcm_s16le"),
    "clip.mkv": ("h264", "ac3"),
    "clip.webm": ("vp8", "vorbis"),
    "vp9.webm": ("vp9", "opus"),
    "clip.avi": ("mpeg4", "mp3"),
    "clip.flv": ("h264", "aac"),
    "clip.mpg": ("mpeg2video", "mp2"),
    "clip.ts": ("h264", "aac"),
    "clip.wmv": ("wmv2", "wmav2"),
    "hevc.mp4": ("hevc", "aac"),
}


@pytest.mark.parametrize(("name", "codecs"), VIDEOS.items())
def test_a_video_is_probed_by_its_streams(name, codecs, media, tools):
    found = probe(media(name), tools)
    assert found.kind == "video"
    assert (found.video.codec, found.audio.codec) == codecs
    assert found.video.shown == Size(160, 120)
    assert found.duration == pytest.approx(1, abs=0.1)
    assert found.video.fps == pytest.approx(25, abs=0.6)


@pytest.mark.parametrize(
    "name", ["tone.mp3", "tone.wav", "tone.flac", "tone.ogg", "tone.opus", "tone.m4a", "tone.aac", "tone.wv"]
)
def test_a_file_with_audio_only_is_audio(name, media, tools):
    found = probe(media(name), tools)
    assert (found.kind, found.audio.sample_rate) == ("audio", 48_000)
    assert found.duration == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["covered.mp3", "sound-only.mp4"])
def test_cover_art_or_a_video_container_does_not_make_a_video(name, media, tools):
    assert probe(media(name), tools).kind == "audio"


@pytest.mark.parametrize(("name", "frames"), [("still.png", 1), ("still.jpeg", 1), ("moving.gif", 4)])
def test_still_and_animated_images_are_images(name, frames, media, tools):
    found = probe(media(name), tools)
    assert (found.kind, found.image.frames, found.image.size) == ("image", frames, Size(64, 48))


def test_rotation_swaps_width_and_height(media, tools):
    video = probe(media("rotated.mp4"), tools).video
    assert (video.rotation, video.mirrored) == (270, False)
    assert (video.coded, video.shown) == (Size(160, 120), Size(120, 160))


def test_a_mirrored_video_is_detected(media, tools):
    assert probe(media("mirrored.mp4"), tools).video.mirrored


def test_the_pixel_aspect_ratio_changes_the_width(media, tools):
    video = probe(media("wide-pixels.mp4"), tools).video
    assert (video.sar, video.shown) == (Fraction(3, 2), Size(240, 120))


def test_interlacing_is_detected(media, tools):
    assert probe(media("interlaced.mp4"), tools).video.interlaced


def test_a_variable_frame_rate_is_detected(media, tools):
    assert probe(media("variable-rate.mp4"), tools).video.variable_rate
    assert not probe(media("clip.mp4"), tools).video.variable_rate


def test_a_constant_frame_rate_with_gaps_is_variable(media, tools):
    assert probe(media("pause.mp4"), tools).video.variable_rate


def test_transparency_of_webm_is_detected(media, tools):
    assert probe(media("alpha.webm"), tools).video.alpha


def test_full_range_and_hdr_are_detected(media, tools):
    assert probe(media("full-range.avi"), tools).video.full_range
    assert probe(media("hdr.mp4"), tools).video.transfer == "smpte2084"


def test_audio_that_starts_late_has_a_start(media, tools):
    found = probe(media("late-audio.mkv"), tools)
    assert found.audio.start - found.video.start == pytest.approx(0.4, abs=0.05)


def test_titles_are_kept_and_locations_are_dropped(media, tools):
    assert probe(media("clip.mp4"), tools).tags == {"title": "A clip"}
    assert probe(media("tone.ogg"), tools).tags == {"title": "A tone"}


def test_a_truncated_video_is_rejected(media, tools, tmp_path):
    with pytest.raises(errors.InputTruncated):
        probe(_head(media("long.mp4"), tmp_path, 0.5), tools)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.98])
def test_a_video_without_its_index_is_reported_as_truncated(media, tools, tmp_path, share):
    """Cameras write the index last: after a broken transfer it is missing."""
    with pytest.raises(errors.InputTruncated):
        probe(_head(media("clip.mov"), tmp_path, share), tools)


def test_the_header_of_a_partial_video_is_probed(media, tools, tmp_path):
    found = probe_header(_head(media("long.mp4"), tmp_path, 0.3), tools)
    assert (found.video.shown, round(found.duration)) == (Size(320, 240), 20)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(video_pixels=1000), "clip.mp4"),
        (Limits(duration_seconds=0.5), "tone.wav"),
        (Limits(streams=1), "clip.mp4"),
        (Limits(video_fps=10), "clip.mp4"),
        (Limits(video_frames=5), "clip.mp4"),
        (Limits(audio_channels=2), "surround.mkv"),
        (Limits(audio_sample_rate_hz=4000), "tone-8k.wav"),
    ],
)
def test_a_value_above_its_limit_is_rejected(limits, name, media, tools):
    with pytest.raises(errors.InputLimitsExceeded):
        probe(media(name), replace(tools, limits=limits))


def test_a_decoder_out_of_memory_is_a_resource_limit(media, tools):
    with pytest.raises((errors.ResourceLimit, errors.InputUnreadable)):
        probe(media("clip.mp4"), replace(tools, limits=Limits(child_memory_bytes=1 << 20)))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm", "clip.avi", "tone.flac", "tone.ogg", "moving.gif"])
def test_a_damaged_file_is_rejected_or_read(name, media, tools, tmp_path):
    damaged = tmp_path / "damaged"
    whole = bytearray(media(name).read_bytes())
    for place in range(64, len(whole), 97):
        whole[place] ^= 0x5A
    damaged.write_bytes(whole)
    assert _kind_or_error_code(damaged, tools)


def test_an_error_message_has_no_path_of_ours(tools, tmp_path):
    fake = tmp_path / "input"
    fake.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(64))
    with pytest.raises(errors.InputUnreadable) as raised:
        probe(fake, tools)
    assert str(tmp_path) not in raised.value.message


def _head(path, tmp_path, share):
    whole = path.read_bytes()
    head = tmp_path / "head"
    head.write_bytes(whole[: int(len(whole) * share)])
    return head


def _kind_or_error_code(path, tools):
    try:
        return probe(path, tools).kind
    except errors.InputError as error:
        return error.code


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        ((1, 2, 160, 120), Size(240, 120)),  # as it was written: 2:1
        ((1, 65_535, 1, 2**31 - 1), Size(160, 120)),
        ((65_535, 1, 2**31 - 1, 1), Size(240, 120)),  # smaller than any fraction: the ratio of the codec counts
        ((1, 65_535, 160, 120), Size(160, 120)),
        ((1, 1000, 1, 1), Size(160, 120)),
        ((0, 0, 0, 0), Size(240, 120)),
    ],
)
def test_implausible_pixel_aspect_ratios_are_ignored(aspect, size, media, tools, tmp_path):
    """Display aspect ratio and frame size, as in the chunk `vprp` of an AVI."""
    content = bytearray(media("anamorphic.avi").read_bytes())
    struct.pack_into("<HHII", content, content.index(b"vprp") + 28, *aspect)
    reported = tmp_path / "aspect.avi"
    reported.write_bytes(content)

    assert probe(reported, tools).video.shown == size
