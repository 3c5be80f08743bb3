"""Streams without a container: known by their headers, as long as their frames, cut and shown at the right frame."""

import subprocess
from contextlib import suppress

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.domain import errors
from penstock.engines import bundled_ffmpeg, probe
from penstock.engines.probing.signatures import sniff_bytes
from tests.engines.conversions import convert

pytestmark = pytest.mark.media

VIDEOS = ["clip.h264", "clip.hevc", "clip.m1v", "clip.m2v", "clip.m4v", "clip.obu"]
AUDIOS = ["tone.ac3", "tone.eac3", "tone.mlp", "tone.thd", "tone.latm", "tone.mp2"]
EVERY = [*VIDEOS, *AUDIOS, "clip.apv", "clip.dv"]

ALMOST = {
    "a start code alone": b"\0\0\0\1",
    "start codes of nothing": b"\0\0\1\5" * 100,
    "H.264 of no profile": b"\0\0\0\1\x67\x01\0\x0a" + bytes(8) + b"\0\0\1\x68\xce\0\0\1\x65" + bytes(40),
    "H.264 without a picture parameter set": b"\0\0\0\1\x67\x42\xc0\x0a" + bytes(8) + b"\0\0\1\x65" + bytes(40),
    "a picture of H.264 before its parameters": b"\0\0\0\1\x65" + bytes(40) + b"\0\0\1\x67\x42\xc0\x0a\0\0\1\x68\xce",
    "HEVC without a sequence parameter set": b"\0\0\0\1\x40\1\x0c" + bytes(8) + b"\0\0\1\x44\1" + bytes(40),
    "MPEG video without a frame rate": bytes.fromhex("000001b3 0a007810 ffffe018 000001b8 00080040"),
    "MPEG video without a size": bytes.fromhex("000001b3 00000013 ffffe018 000001b8 00080040"),
    "MPEG-4 without a layer": bytes.fromhex("000001b0 01000001 b5891300 000001b6") + bytes(40),
    "VC-1 of another profile": bytes.fromhex("0000010f 4a000000 0000010e") + bytes(40),
    "an AV1 delimiter alone": b"\x12\0" + bytes(40),
    "a DV header alone": b"\x1f\x07\0\xbf" + bytes(2000),
    "AC-3 with one frame and text": b"\x0b\x77\0\0\x14\x40" + b"Dear Sir" * 300,
    "AC-3 of no bitrate": b"\x0b\x77\0\0\x3f\x40" + bytes(2000),
    "MLP without its signature": b"\x80\x33\0\0\xf8\x72\x6f\xbb" + bytes(100),
    "one frame of LATM": b"\x56\xe0\x04aaaabbbb" + bytes(40),
    "two frames of MP2 and text": (b"\xff\xfd\x14\x40" + bytes(188)) * 2 + b"Dear Sir" * 300,
}


@pytest.mark.parametrize("head", ALMOST.values(), ids=ALMOST)
def test_a_file_that_only_begins_like_a_stream_is_rejected(head):
    with pytest.raises(errors.InputUnreadable):
        sniff_bytes(head)


def test_vc1_is_known_by_its_first_headers():
    assert sniff_bytes(bytes.fromhex("0000010f ca858b90 00000001 0e480000 00010d") + bytes(99)).container == "vc1"


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_stream_lasts_as_long_as_its_frames(name, media, tools):
    found = probe(media(name), tools)
    assert (found.video.frames, found.video.fps) == (25, 25)
    assert found.duration == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", AUDIOS)
def test_an_audio_stream_lasts_as_long_as_its_frames(name, media, tools):
    assert probe(media(name), tools).duration == pytest.approx(1, abs=0.03)


def test_raw_h264_is_encoded_because_it_has_no_timestamps(media, tmp_path, tools):
    converted = convert(media("clip.h264"), "mp4", tmp_path, tools)
    assert converted.plan.video.because == "its frames have no timestamps"
    assert converted.facts.duration == pytest.approx(1, abs=0.01)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """Frames 10 to 20 of the source of all clips."""
    folder = tmp_path_factory.mktemp("frames")
    source = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=1")
    argv = [str(bundled_ffmpeg()), "-v", "error", *source, "-vf", "select=between(n\\,10\\,20)", "-start_number", "10"]
    subprocess.run([*argv, str(folder / "%d.png")], check=True)
    return {number: Image.open(folder / f"{number}.png").convert("RGB") for number in range(10, 21)}


def nearest(image, frames):
    shown = image.convert("RGB")
    return min(frames, key=lambda number: sum(ImageStat.Stat(ImageChops.difference(shown, frames[number])).sum2))


@pytest.mark.parametrize("name", VIDEOS)
def test_a_still_is_the_frame_at_its_time(name, media, tmp_path, tools, frames):
    with Image.open(convert(media(name), "png", tmp_path, tools, at=0.61).path) as still:
        assert nearest(still, frames) == 15


@pytest.mark.parametrize("name", VIDEOS)
def test_a_cut_begins_with_the_frame_at_its_start(name, media, tmp_path, tools, frames):
    cut = convert(media(name), "mp4", tmp_path, tools, start=0.6).path
    first = tmp_path / "first.png"
    argv = [bundled_ffmpeg(), "-v", "error", "-i", cut, "-frames:v", "1", "-update", "1", first]
    subprocess.run(list(map(str, argv)), check=True)
    with Image.open(first) as image:
        assert nearest(image, frames) == 15


def test_dv_has_its_sound(media, tmp_path, tools):
    assert convert(media("clip.dv"), "mp4", tmp_path, tools).facts.codecs == "h264,aac"


def test_dv_that_ends_in_its_first_frame_is_truncated(media, tmp_path, tools):
    cut = tmp_path / "cut.dv"
    cut.write_bytes(media("clip.dv").read_bytes()[:50_000])
    with pytest.raises(errors.InputTruncated):
        probe(cut, tools)


def test_one_frame_of_dv_is_a_video(media, tmp_path, tools):
    one = tmp_path / "one.dv"
    one.write_bytes(media("clip.dv").read_bytes()[:144_000])
    assert convert(one, "png", tmp_path, tools).facts.width


def test_layer_1_of_mpeg_audio_is_read(tmp_path, tools):
    """Silence: 384 samples in each frame of 128 kb/s at 48 kHz."""
    (tmp_path / "tone.mp1").write_bytes((b"\xff\xff\x44\xc0" + bytes(124)) * 125)
    assert probe(tmp_path / "tone.mp1", tools).audio.codec == "mp1"
    assert convert(tmp_path / "tone.mp1", "wav", tmp_path, tools).facts.duration == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("name", EVERY)
def test_a_cut_stream_is_read_as_far_as_it_goes_or_refused(name, share, media, tmp_path, tools):
    whole = media(name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(whole[: int(len(whole) * share)])
    with suppress(errors.InputUnreadable, errors.InputTruncated):
        assert 0 <= probe(cut, tools).duration <= share + 0.15
