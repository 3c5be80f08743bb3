"""Only outputs that are as planned are published."""

import hashlib
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.domain.media import Size
from penstock.domain.planning.plan import Copy
from penstock.engines import file_facts, probe, verify
from tests.engines.conversions import convert

pytestmark = pytest.mark.media


@pytest.fixture
def converted(media, tmp_path, tools):
    return convert(media("clip.mkv"), "mp4", tmp_path, tools, width=80)


@pytest.fixture
def source(media, tools):
    return probe(media("clip.mkv"), tools)


def test_every_fact_is_read_from_the_output(converted):
    reported = converted.facts
    assert (reported.kind, reported.format, reported.type, reported.codecs) == ("video", "mp4", "video/mp4", "h264,aac")
    assert (reported.width, reported.height, reported.fps, reported.frames) == (80, 60, 25.0, 25)
    assert reported.sha256 == hashlib.sha256(converted.path.read_bytes()).hexdigest()
    assert reported.filesize == converted.path.stat().st_size
    assert reported.bitrate == pytest.approx(reported.filesize * 8 / reported.duration, rel=0.01)


def test_a_truncated_output_is_not_published(converted, source, tools):
    whole = converted.path.read_bytes()
    converted.path.write_bytes(whole[: len(whole) * 2 // 3])
    _assert_rejected(converted, source, tools)


def test_an_output_with_a_damaged_end_is_not_published(converted, source, tools):
    whole = converted.path.read_bytes()
    converted.path.write_bytes(whole[: len(whole) // 3] + bytes(len(whole) - len(whole) // 3))
    _assert_rejected(converted, source, tools)


def test_an_output_with_a_damaged_middle_is_not_published(media, tmp_path, tools):
    converted = convert(media("heavy.mp4"), "mp4", tmp_path, tools, width=80)
    with converted.path.open("r+b") as file:
        file.seek(converted.facts.filesize * 45 // 100)
        file.write(bytes(converted.facts.filesize // 10))
    _assert_rejected(converted, probe(media("heavy.mp4"), tools), tools)


def test_every_frame_of_a_short_output_is_decoded(converted, source, tools):
    read_back = verify(converted.path, converted.plan, source, tools).read_back
    assert read_back.decoded_frames[read_back.media.video.index].total == converted.facts.frames == 25


def test_a_file_that_is_no_media_is_not_published(converted, source, tools):
    converted.path.write_text("nothing of the kind")
    _assert_rejected(converted, source, tools)


def test_an_output_of_another_size_is_not_published(converted, source, tools):
    framing = replace(converted.plan.video.framing, size=Size(82, 60))
    _assert_rejected(
        replace(converted, plan=replace(converted.plan, video=replace(converted.plan.video, framing=framing))),
        source,
        tools,
    )


def test_an_output_with_another_codec_is_not_published(converted, source, tools):
    _assert_rejected(replace(converted, plan=replace(converted.plan, video=Copy(0, "vp9", "it was"))), source, tools)


def test_an_output_without_its_audio_is_not_published(converted, media, source, tools, tmp_path):
    silent = tmp_path / "silent"
    silent.mkdir()
    other = convert(media("silent.mp4"), "mp4", silent, tools, width=80)
    _assert_rejected(replace(other, plan=converted.plan), source, tools)


def test_an_output_in_another_container_is_not_published(converted, source, tools):
    _assert_rejected(replace(converted, plan=replace(converted.plan, format="mov")), source, tools)


def test_an_output_of_another_duration_is_not_published(converted, source, tools):
    longer = replace(source, video=replace(source.video, duration=2.0))
    _assert_rejected(converted, longer, tools)


def test_the_error_message_has_no_decoder_details(converted, source, tools):
    converted.path.write_bytes(converted.path.read_bytes()[:500])
    with pytest.raises(errors.OutputInvalid) as raised:
        verify(converted.path, converted.plan, source, tools)
    assert str(converted.path) not in raised.value.message
    assert raised.value.detail


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("clip.mkv", "video", "video/x-matroska"),
        ("tone.mp3", "audio", "audio/mpeg"),
        ("still.png", "image", "image/png"),
        ("sound-only.mp4", "audio", "audio/mp4"),
    ],
)
def test_an_upload_has_facts(name, kind, mime, media, tools):
    reported = file_facts(media(name), probe(media(name), tools))
    assert (reported.kind, reported.type) == (kind, mime)


def test_an_animation_has_frames_and_a_frame_rate(media, tools):
    reported = file_facts(media("moving.gif"), probe(media("moving.gif"), tools))
    assert (reported.frames, reported.fps, reported.duration) == (4, 10.0, 0.4)


def _assert_rejected(converted, source, tools):
    with pytest.raises(errors.OutputInvalid):
        verify(converted.path, converted.plan, source, tools)
