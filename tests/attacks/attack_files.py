"""Files that make a decoder open another file or an address, as far as it lets them. Each is made here, in a folder of
its own, with a file beside it that is nobody's business: the canary."""

import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.pictures.items import BRANDS, another_file

# Names in the texts: {there} the folder of the canary, {sibling} a canary beside the file, {port} of the listener.
M3U = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
END = "\n#EXT-X-ENDLIST\n"
ITSELF = "#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"
RTP = "c=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
MPD = (
    '<?xml version="1.0"?>{entity}<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="9">'
    "<BaseURL>{base}</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
EPS = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
TEXTS: dict[str, tuple[str, str]] = {
    "HLS of a file": ("a.m3u8", M3U + "#EXTINF:1,\nfile://{there}/canary.ts" + END),
    "HLS as a film": ("a.mp4", M3U + "#EXTINF:1,\n{there}/canary.ts" + END),
    "HLS as sound": ("a.mp3", M3U + "#EXTINF:1,\n{there}/canary.mp3" + END),
    "HLS of a sibling": ("a.m3u8", M3U + "#EXTINF:1,\nsibling.ts" + END),
    "HLS with a map": (
        "a.m3u8",
        M3U + '#EXT-X-MAP:URI="file://{there}/canary.mp4"\n#EXTINF:1,\n{there}/canary.ts' + END,
    ),
    "HLS with a key": (
        "a.m3u8",
        M3U + '#EXT-X-KEY:METHOD=AES-128,URI="{there}/canary.txt"\n#EXTINF:1,\n{there}/canary.ts' + END,
    ),
    "HLS of a part of a file": (
        "a.m3u8",
        M3U + "#EXTINF:1,\nsubfile,,start,0,end,9999,,:{there}/canary.ts" + END,
    ),
    "HLS of files in a row": (
        "a.m3u8",
        M3U + "#EXTINF:1,\nconcat:{there}/canary.ts|{there}/canary.ts" + END,
    ),
    "HLS of an address": ("a.m3u8", M3U + "#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts" + END),
    "HLS of itself": ("a.m3u8", "#EXTM3U\n" + ITSELF * 2),
    "DASH of a file": ("a.mpd", MPD.format(entity="", base="file://{there}/canary.mp4")),
    "DASH as a film": ("a.mp4", MPD.format(entity="", base="file://{there}/canary.mp4")),
    "DASH of an address": ("a.mpd", MPD.format(entity="", base="http://127.0.0.1:{port}/a.mp4")),
    "DASH with an entity": (
        "a.mpd",
        MPD.format(entity='<!DOCTYPE a [<!ENTITY b SYSTEM "file://{there}/canary.txt">]>', base="&b;"),
    ),
    "a list of a sibling": ("a.ffconcat", "ffconcat version 1.0\nfile sibling.ts\n"),
    "a list of a file": ("a.ffconcat", "ffconcat version 1.0\nfile '{there}/canary.ts'\n"),
    "a list of an address": ("a.ffconcat", "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.ts\n"),
    "a list as a film": ("a.mov", "ffconcat version 1.0\nfile sibling.ts\nduration 1\n"),
    "SDP": ("a.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\n" + RTP),
    "VobSub": ("sibling.idx", "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n"),
    "subtitles that name a file": (
        "a.ass",
        (
            "[Script Info]\nScriptType: v4.00+\nAudio URI: {there}/canary.mp3\nVideo File: {there}/canary.mp4\n\n"
            "[Events]\nFormat: Layer, Start, End, Text\n"
            "Dialogue: 0,0:00:00.00,0:00:01.00,{{\\1img({there}/canary.png)}}a\n"
        ),
    ),
    "a script of tones": ("a.sbg", "a: mix/{there}/canary.mp3+100/1\nNOW a\n"),
    "an old playlist": ("a.asx", '<asx version="3.0"><entry><ref href="file://{there}/canary.mp4"/></entry></asx>'),
    "a reference": ("a.asf", "[Reference]\nRef1=http://127.0.0.1:{port}/a.asf\nRef2={there}/canary.mp4\n"),
    "a package of films": (
        "a.xml",
        (
            '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>urn:uuid:'
            "0</Id><AssetMap>file://{there}/canary.txt</AssetMap></CompositionPlaylist>"
        ),
    ),
    "SVG of a picture": (
        "a.svg",
        (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">'
            '<image width="9" height="9" xlink:href="file://{there}/canary.png"/><image width="9" height="9" '
            'xlink:href="http://127.0.0.1:{port}/a.png"/><image width="9" height="9" xlink:href="sibling.png"/></svg>'
        ),
    ),
    "SVG with an entity": (
        "a.png",
        (
            '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY b SYSTEM "file://{there}/canary.txt">]>'
            '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">&b;</text></svg>'
        ),
    ),
    "EPS": ("a.jpg", EPS + "({there}/canary.txt) (r) file 99 string readstring\n"),
    "PDF": ("a.pdf", "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/GoToR/F({there}/canary.txt)>>>>endobj\n%%EOF\n"),
    "MVG": ("a.mvg", "push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 '{there}/canary.png'\n"),
    "MSL": ("a.jpg", '<?xml version="1.0"?><image><read filename="{there}/canary.png"/></image>'),
    "VRT": ("a.tif", "<VRTDataset><SourceFilename>{there}/canary.png</SourceFilename></VRTDataset>"),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where the canaries are: films, sound, a picture and a text in `there`, their copies beside each attack file."""

    there: Path
    port: int

    @property
    def canaries(self) -> list[Path]:
        return sorted(self.there.glob("canary.*"))


def made(place: Place, clip: bytes, folder: Path) -> dict[str, Path]:
    """All attack files by name; `clip` is a real MP4 with its index at the end."""
    fields = {"there": place.there, "port": place.port}
    texts = {name: (file, text.format(**fields).encode()) for name, (file, text) in TEXTS.items()}
    return {
        name: _written(folder / f"{number}", file, content, place)
        for number, (name, (file, content)) in enumerate({**texts, **_binaries(place, clip)}.items())
    }


def _written(folder: Path, name: str, content: bytes, place: Place) -> Path:
    folder.mkdir(parents=True)
    for canary in place.canaries:
        (folder / f"sibling{canary.suffix}").write_bytes(canary.read_bytes())
    for name_beside in ("sibling.sub", "a.M00", "frame1.png"):
        (folder / name_beside).write_bytes((place.there / "canary.png").read_bytes())
    (folder / name).write_bytes(content)
    return folder / name


def _binaries(place: Place, clip: bytes) -> dict[str, tuple[str, bytes]]:
    playlist = M3U + f"#EXTINF:1,\nfile://{place.there}/canary.ts\n#EXT-X-ENDLIST\n"
    return {
        "AVI with a playlist for subtitles": ("a.avi", _avi_with_subtitles(playlist.encode())),
        "AVI with a list for subtitles": ("a.avi", _avi_with_subtitles(b"ffconcat version 1.0\nfile sibling.ts\n")),
        "MOV with a reference": ("a.mov", _with_reference(clip, f"{place.there}/canary.mp4")),
        "MOV with a relative reference": ("a.mov", _with_reference(clip, "sibling.mp4")),
        "a video in several files": ("a.mlv", b"MLVI" + struct.pack("<I", 52) + b"v2.0\0\0\0\0" + bytes(36)),
        "a pattern of names": ("frame%d.png", (place.there / "canary.png").read_bytes()[:40]),
        **_pictures(place),
        "PSD": ("a.psd", b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 9, 9, 8, 3) + bytes(12)),
        "an archive": ("a.mp4", _zipped(place)),
        "an archive with a link": ("a.mov", _tar(place)),
    }


def _pictures(place: Place) -> dict[str, tuple[str, bytes]]:
    """AVIF and HEIC whose pixels are in another file, or at an address."""
    targets = {
        "a file": f"file://{place.there}/canary.mp4",
        "a sibling": "sibling.mp4",
        "an address": f"http://127.0.0.1:{place.port}/a",
    }
    return {
        f"{brand} of {name}": (f"a.{brand}", another_file(brand, target))
        for brand in BRANDS
        for name, target in targets.items()
    }


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _avi_with_subtitles(playlist: bytes) -> bytes:
    """An AVI whose only stream is of subtitles in GAB2, which ffmpeg opens as a file of its own, of any format."""
    head = struct.pack("<14I", 40_000, 0, 0, 16, 125, 0, 1, 0, 224, 160, 0, 0, 0, 0)
    stream = b"txts" + struct.pack("<11I4H", 0, 0, 0, 0, 1, 25, 0, 125, 0, 0, 0, 0, 0, 224, 160)
    bitmap = struct.pack("<IiiHHI5I", 40, 224, 160, 1, 24, 0x44495658, 0, 0, 0, 0, 0)
    described = _chunk(b"strh", stream) + _chunk(b"strf", bitmap)
    header = b"hdrl" + _chunk(b"avih", head) + _chunk(b"LIST", b"strl" + described)
    subtitles = b"GAB2\0" + struct.pack("<HI", 2, 0) + struct.pack("<HI", 4, len(playlist)) + playlist
    return _chunk(b"RIFF", b"AVI " + _chunk(b"LIST", header) + _chunk(b"LIST", b"movi" + _chunk(b"00tx", subtitles)))


def _with_reference(clip: bytes, target: str) -> bytes:
    """The clip, with its media in another file (QuickTime's alias record in `dref`). Only its index is kept right."""
    path = target.replace("/", ":").encode()
    record = struct.pack(">HI", len(path), 0)[:2] + path + b"\0" * (len(path) % 2)
    names = (
        bytes([1])
        + b"a".ljust(27, b"\0")
        + bytes(12)
        + bytes([9])
        + target.rpartition("/")[2].encode().ljust(63, b"\0")
    )
    body = bytes(10) + names + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16) + struct.pack(">H", 2) + record
    body += struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", 12 + len(body), b"alis", 0) + body
    return _replaced(clip, b"url ", entry)


def _replaced(clip: bytes, kind: bytes, entry: bytes) -> bytes:
    """The first box of this kind in the index replaced, and every box around it enlarged."""
    moov = clip.rindex(b"moov") - 4
    place = clip.index(kind, moov) - 4
    grown, made = len(entry) - 12, bytearray(clip[:place] + entry + clip[place + 12 :])
    for around in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = clip.rindex(around, moov, place) - 4
        made[at : at + 4] = struct.pack(">I", int.from_bytes(clip[at : at + 4], "big") + grown)
    return bytes(made)


def _zipped(place: Place) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(place.there / "canary.mp4", "../../canary.mp4")
    return packed.getvalue()


def _tar(place: Place) -> bytes:
    packed, link = io.BytesIO(), tarfile.TarInfo("a.mp4")
    link.type, link.linkname = tarfile.SYMTYPE, str(place.there / "canary.mp4")
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(link)
    return packed.getvalue()
