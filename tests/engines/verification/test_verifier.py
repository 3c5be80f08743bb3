"""Nothing is published that is not what was planned."""

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
def made(media, room, tools):
    return convert(media("clip.mkv"), "mp4", room, tools, width=80)


@pytest.fixture
def source(media, tools):
    return probe(media("clip.mkv"), tools)


def test_every_fact_is_read_from_the_bytes(made):
    told = made.facts
    assert (told.kind, told.format, told.type, told.codecs) == ("video", "mp4", "video/mp4", "h264,aac")
    assert (told.width, told.height, told.fps, told.frames) == (80, 60, 25.0, 25)
    assert told.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert told.filesize == made.path.stat().st_size
    assert told.bitrate == pytest.approx(told.filesize * 8 / told.duration, rel=0.01)


def test_a_cut_off_output_is_not_published(made, source, tools):
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[: len(whole) * 2 // 3])
    _refused(made, source, tools)


def test_a_damaged_end_is_not_published(made, source, tools):
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[: len(whole) // 3] + bytes(len(whole) - len(whole) // 3))
    _refused(made, source, tools)


def test_a_damaged_middle_is_not_published(media, room, tools):
    made = convert(media("heavy.mp4"), "mp4", room, tools, width=80)
    with made.path.open("r+b") as file:
        file.seek(made.facts.filesize * 45 // 100)
        file.write(bytes(made.facts.filesize // 10))
    _refused(made, probe(media("heavy.mp4"), tools), tools)


def test_what_is_no_media_is_not_published(made, source, tools):
    made.path.write_text("nothing of the kind")
    _refused(made, source, tools)


def test_another_size_is_not_published(made, source, tools):
    framing = replace(made.plan.video.framing, size=Size(82, 60))
    _refused(replace(made, plan=replace(made.plan, video=replace(made.plan.video, framing=framing))), source, tools)


def test_another_codec_is_not_published(made, source, tools):
    _refused(replace(made, plan=replace(made.plan, video=Copy(0, "vp9", "it was"))), source, tools)


def test_a_missing_sound_is_not_published(made, media, source, tools, room):
    silent = room / "silent"
    silent.mkdir()
    other = convert(media("silent.mp4"), "mp4", silent, tools, width=80)
    _refused(replace(other, plan=made.plan), source, tools)


def test_another_container_is_not_published(made, source, tools):
    _refused(replace(made, plan=replace(made.plan, format="mov")), source, tools)


def test_another_length_is_not_published(made, source, tools):
    longer = replace(source, video=replace(source.video, duration=2.0))
    _refused(made, longer, tools)


def test_a_refusal_tells_the_caller_nothing_of_the_decoder(made, source, tools):
    made.path.write_bytes(made.path.read_bytes()[:500])
    with pytest.raises(errors.OutputInvalid) as refused:
        verify(made.path, made.plan, source, tools)
    assert str(made.path) not in refused.value.message
    assert refused.value.detail


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("clip.mkv", "video", "video/x-matroska"),
        ("tone.mp3", "audio", "audio/mpeg"),
        ("still.png", "image", "image/png"),
        ("sound-only.mp4", "audio", "audio/mp4"),
    ],
)
def test_an_upload_has_facts_too(name, kind, mime, media, tools):
    told = file_facts(media(name), probe(media(name), tools))
    assert (told.kind, told.type) == (kind, mime)


def test_an_animation_has_frames_and_a_pace(media, tools):
    told = file_facts(media("moving.gif"), probe(media("moving.gif"), tools))
    assert (told.frames, told.fps, told.duration) == (4, 10.0, 0.4)


def _refused(made, source, tools):
    with pytest.raises(errors.OutputInvalid):
        verify(made.path, made.plan, source, tools)
