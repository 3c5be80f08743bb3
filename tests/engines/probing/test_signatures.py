"""Containers are detected by their first bytes."""

import pytest

from penstock.domain import errors
from penstock.domain.planning.matrix import CONTAINERS
from penstock.engines.probing.signatures import READERS, sniff, sniff_bytes

KNOWN = {
    "clip.mp4": "mp4",
    "clip.mov": "mov",
    "clip.mkv": "matroska",
    "clip.webm": "webm",
    "clip.avi": "avi",
    "clip.flv": "flv",
    "clip.mpg": "mpeg",
    "clip.ts": "mpegts",
    "clip.wmv": "asf",
    "clip.3gp": "3gp",
    "tone.mp3": "mp3",
    "tone.wav": "wav",
    "tone.flac": "flac",
    "tone.ogg": "ogg",
    "tone.opus": "ogg",
    "tone.m4a": "m4a",
    "tone.aac": "aac",
    "tone.aiff": "aiff",
    "tone.ac3": "ac3",
    "tone.wv": "wavpack",
    "still.jpeg": "jpeg",
    "still.png": "png",
    "still.bmp": "bmp",
    "still.tiff": "tiff",
    "still.webp": "webp",
    "still.avif": "avif",
    "still.ico": "ico",
    "still.jp2": "jpeg2000",
    "moving.gif": "gif",
}

REFUSED = {
    "nothing": b"",
    "text": b"Dear Sir or Madam, " * 100,
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://example.com/a.ts\n",
    "a concat script": b"ffconcat version 1.0\nfile secret.mp4\n",
    "PostScript": b"%!PS-Adobe-3.0\nshowpage\n",
    "a drawing": b"push graphic-context\nviewbox 0 0 1 1\npop graphic-context",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "MXF": b"\x06\x0e\x2b\x34\x02\x05\x01\x01" * 20,
    "a manifest": b"<?xml version='1.0'?><MPD></MPD>",
    "an archive": b"PK\x03\x04" + bytes(100),
    "a program": b"\x7fELF" + bytes(100),
    "a raw camera file": b"\x00\x00\x00\x18ftypcrx " + bytes(100),
    "counting bytes": bytes(range(256)) * 4,
    "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
    "two letters": b"BM is a city abbreviation, not a bitmap",
}


@pytest.mark.media
@pytest.mark.parametrize(("name", "container"), KNOWN.items())
def test_a_container_is_detected_by_its_bytes(name, container, media, tmp_path):
    disguised = tmp_path / "input.txt"
    disguised.write_bytes(media(name).read_bytes())
    assert sniff(disguised).container == container


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED)
def test_an_unknown_format_is_rejected(head):
    with pytest.raises(errors.InputUnreadable):
        sniff_bytes(head)


def test_a_quicktime_file_needs_no_brand():
    assert sniff_bytes(b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat").container == "mov"


@pytest.mark.media
def test_audio_after_a_large_tag_is_detected(media, tmp_path):
    tagged = tmp_path / "tagged"
    tagged.write_bytes(_id3(200_000) + media("tone.ac3").read_bytes())
    assert sniff(tagged).container == "ac3"


def test_a_tag_longer_than_the_first_bytes_is_taken_for_mp3():
    assert sniff_bytes(_id3(200_000)[:1000]).container == "mp3"


def test_every_container_has_a_reader_and_a_label():
    assert set(READERS) == set(CONTAINERS)


def _id3(size):
    digits = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + digits + bytes(size)
