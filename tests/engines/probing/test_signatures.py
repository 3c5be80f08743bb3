"""Containers are detected by their first bytes."""

import pytest

from penstock.domain import errors
from penstock.domain.planning.matrix import CONTAINERS
from penstock.engines.probing.readers import READERS
from penstock.engines.probing.signatures import sniff, sniff_bytes

KNOWN = {
    "clip.mp4": "mp4",
    "clip.mov": "mov",
    "clip.mkv": "matroska",
    "clip.webm": "webm",
    "clip.avi": "avi",
    "clip.flv": "flv",
    "clip.mpg": "mpeg",
    "clip.ts": "mpegts",
    "clip.m2ts": "mpegts",
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
    "clip.mxf": "mxf",
    "clip.gxf": "gxf",
    "clip.wtv": "wtv",
    "clip.rm": "realmedia",
    "clip.nut": "nut",
    "clip.ivf": "ivf",
    "clip.y4m": "y4m",
    "tone.caf": "caf",
    "tone.au": "au",
    "tone.w64": "w64",
    "tone.voc": "voc",
    "tone.tta": "tta",
    "tone.dts": "dts",
    "clip.h264": "h264",
    "clip.hevc": "hevc",
    "clip.m1v": "mpegvideo",
    "clip.m2v": "mpegvideo",
    "clip.m4v": "m4v",
    "clip.obu": "obu",
    "clip.apv": "apv",
    "clip.dv": "dv",
    "tone.eac3": "eac3",
    "tone.mlp": "mlp",
    "tone.thd": "truehd",
    "tone.latm": "latm",
    "tone.mp2": "mp2",
    "still.jpeg": "jpeg",
    "still.png": "png",
    "still.bmp": "bmp",
    "still.tiff": "tiff",
    "still.webp": "webp",
    "still.avif": "avif",
    "still.ico": "ico",
    "still.jp2": "jpeg2000",
    "still.ppm": "netpbm",
    "still.pcx": "pcx",
    "still.dds": "dds",
    "still.sgi": "sgi",
    "still.qoi": "qoi",
    "still.icns": "icns",
    "still.tga": "targa",
    "still.jxl": "jpegxl",
    "light.exr": "exr",
    "light.hdr": "hdr",
    "light.pfm": "pfm",
    "light.phm": "phm",
    "picture.ras": "sunrast",
    "picture.xbm": "xbm",
    "picture.xwd": "xwd",
    "picture.pam": "pam",
    "picture.vbn": "vbn",
    "picture.jls": "jpegls",
    "picture.dpx": "dpx",
    "picture.fits": "fits",
    "moving.gif": "gif",
}

REFUSED = {
    "nothing": b"",
    "text": b"Dear Sir or Madam, " * 100,
    "short text with the bytes of a frame in its middle": b"Dear Sir \xff\xfb\x90\x44 or Madam",
    "short text in UTF-16": "Hello".encode("utf-16"),
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://example.com/a.ts\n",
    "a concat script": b"ffconcat version 1.0\nfile secret.mp4\n",
    "PostScript": b"%!PS-Adobe-3.0\nshowpage\n",
    "a drawing": b"push graphic-context\nviewbox 0 0 1 1\npop graphic-context",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a key of SMPTE": b"\x06\x0e\x2b\x34\x02\x05\x01\x01" * 20,
    "a manifest": b"<?xml version='1.0'?><MPD></MPD>",
    "an archive": b"PK\x03\x04" + bytes(100),
    "a program": b"\x7fELF" + bytes(100),
    "counting bytes": bytes(range(256)) * 4,
    "subtitles": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n",
    "the name of a paper size": b"P5 is a size of paper, 4 by 6 inches",
    "a line break and 5": b"\x0a\x05\x01\x08" + b"text" * 100,
    "a size after Pf": b"Pf 640 by 480",
    "an environment map in XYZ": b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 2 +X 2\n",
    "a cursor": bytes.fromhex("00000200 01002020 00000f00 0f003001 00001600 0000") + bytes(100),
    "a palette for a Targa that needs none": bytes.fromhex("000102 0000000118 00000000 40003000 1820") + bytes(100),
    "a Targa without a size": bytes.fromhex("000002 0000000000 00000000 00000000 1820") + bytes(100),
    "a program in C": b"#define icon_width 16\n#define icon_height 16\nint main(void) { return 0x0; }\n",
    "a bitmap that another file defines": b'#define icon_width 16\n#define icon_height 16\n#include "icon_bits.h"\n',
    "a comment about XPM": b'/* XPM */\n#include <X11/xpm.h>\nstatic char *name = "16 16 2 1";\n',
    "a page about PAM": b"P7\nWIDTH and HEIGHT are numbers\nENDHDR\n",
    "a thumbnail of xv": b"P7 332\n#END_OF_COMMENTS\n80 60 255\n" + bytes(100),
    "a page about PGX": b"PG ML is most significant byte first",
    "a FITS without an image": b"SIMPLE  =                    T".ljust(80)
    + b"NAXIS   =                    0".ljust(80)
    + b"END",
    "a page about FITS": b"SIMPLE  = a file with NAXIS1  = 20 and NAXIS2  = 10 \n" * 50,
    "sheet music in IFF": b"FORM\0\0\1\0SMUSBMHD\0\0\0\x14" + bytes(100),
    "text that begins as an IFF": b"FORM of an ILBM needs a BMHD chunk of 20 bytes",
    "a Pictor of another video mode": bytes.fromhex("3412 1500 0600 00000000 08 ff 20 0400 0003") + bytes(100),
    "a Paint picture with another checksum": b"DanM" + bytes(range(28)) + bytes(100),
    "a font": bytes.fromhex("00010000 000c0080 00030040") + bytes(100),
    "numbers that begin as a GEM": bytes.fromhex("0001 0008 0001 0009 0174 0174 0015 0006") + bytes(100),
    "a QuickDraw picture of version 1": bytes(512) + bytes.fromhex("0000 00000000 00100010 1101 a0") + bytes(100),
    "a Photo CD of overviews": b"PCD_OPA" + bytes(3000),
    "a texture of 32 bits": bytes.fromhex("16000000 00000000 ffff0318 01000000 04000000 ffff0318") + bytes(200),
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


@pytest.mark.parametrize("head", [b"P3\n# by hand\n2 2\n255\n1 1 1", b"P5 640 480 255\n", b"P4\n8 8\n\0"])
def test_a_netpbm_image_is_known_by_its_numbers(head):
    assert sniff_bytes(head).container == "netpbm"


def test_a_jpeg_is_no_jpeg_ls():
    frame = b"\xff\xf7\0\x0b\x08\0\x08\0\x08\1\1\x11\0"
    assert sniff_bytes(b"\xff\xd8\xff\xe0\0\x06JFIF" + frame).container == "jpegls"
    assert sniff_bytes(b"\xff\xd8\xff\xe0\0\x06" + frame[:4] + b"\xff\xdb\0\x43").container == "jpeg"


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
