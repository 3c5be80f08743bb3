"""The block readers of image files return the content of a block, and nothing of what follows it."""

import struct
import zlib

import pytest

from penstock.engines.images.file_blocks import content_start, png_chunk_before_pixels, png_chunks, riff_chunks

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("content", [b"", b"\x01", b"\x09\x10\x00\x01", b"x" * 31, b"y" * 32])
def test_the_content_of_a_png_chunk_is_filled_up_with_zeros(content):
    data = SIGNATURE + chunk(b"tEXt", content) + chunk(b"IEND", b"")
    assert content_start(data, next(png_chunks(data))) == content.ljust(32, b"\0")


def test_the_content_of_a_png_chunk_is_cut_after_32_bytes():
    data = SIGNATURE + chunk(b"tEXt", bytes(range(40)))
    assert content_start(data, next(png_chunks(data))) == bytes(range(32))


def test_the_checksum_of_an_empty_color_chunk_is_not_read_as_colors(tmp_path):
    path = tmp_path / "input.png"
    path.write_bytes(SIGNATURE + chunk(b"cICP", b"") + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert png_chunk_before_pixels(str(path), b"cICP") == bytes(32)


def test_the_padding_of_a_riff_chunk_is_no_content():
    data = b"RIFF" + struct.pack("<I", 14) + b"WEBP" + b"EXIF" + struct.pack("<I", 1) + b"a" + b"\xff"
    assert content_start(data, next(riff_chunks(data))) == b"a".ljust(32, b"\0")


def test_a_png_chunk_longer_than_any_may_be_is_an_error():
    with pytest.raises(ValueError, match="4294901760"):
        list(png_chunks(SIGNATURE + b"\xff\xff\0\0IDAT" + bytes(99)))


def test_what_follows_the_end_of_a_png_is_none_of_its_chunks():
    data = SIGNATURE + chunk(b"IEND", b"") + b"\xff" * 99
    assert [each.kind for each in png_chunks(data)] == [b"IEND"]
