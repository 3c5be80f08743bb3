"""Containers of games, telephones, recorders and studios are read, from files that the shipped ffmpeg writes."""

import struct
import subprocess
import wave

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.domain.planning.matrix import CONTAINERS
from penstock.engines import bundled_ffmpeg, probe
from penstock.engines.probing.file_probe import probe_each
from penstock.engines.probing.further_containers.marks import MARKS
from penstock.engines.probing.signatures import sniff_bytes
from tests.engines.conversions import convert
from tests.engines.probing.written_files import SOUNDS
from tests.engines.probing.written_videos import RED, flic, nsv, nuv, pva, ser, thp

pytestmark = pytest.mark.media

VIDEO = "-f lavfi -i testsrc2=size=176x144:rate=25:duration=0.2"
AUDIO = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=0.2"
SLOW_AUDIO = AUDIO.replace("44100", "22050")
# ffmpeg's options, then the codecs that a probe finds.
MADE: dict[str, tuple[str, str]] = {
    "adx": (AUDIO, "adpcm_adx"),
    "alp": (SLOW_AUDIO, "adpcm_ima_alp"),
    "amv": (f"{VIDEO} {SLOW_AUDIO} -block_size 882", "amv adpcm_ima_amv"),
    "apm": (SLOW_AUDIO, "adpcm_ima_apm"),
    "argo_asf": (AUDIO, "adpcm_argo"),
    "ast": (f"{AUDIO} -c:a pcm_s16be_planar", "pcm_s16be_planar"),
    "dnxhd": (f"{VIDEO} -c:v dnxhd -profile:v dnxhr_lb -s 256x144 -pix_fmt yuv422p", "dnxhd"),
    "film_cpk": (f"{VIDEO} {AUDIO} -c:v cinepak -c:a pcm_s16be_planar", "cinepak pcm_s16be_planar"),
    "h261": (VIDEO, "h261"),
    "h263": (VIDEO, "h263"),
    "ircam": (AUDIO, "pcm_s16le"),
    "kvag": (AUDIO, "adpcm_ima_ssi"),
    "mmf": (SLOW_AUDIO, "adpcm_yamaha"),
    "mpjpeg": (VIDEO, "mjpeg"),
    "pdv": (f"{VIDEO} -pix_fmt monob -max_frames 5", "pdv"),
    "roq": (f"{VIDEO.replace('176x144:rate=25', '160x128:rate=30')} {SLOW_AUDIO}", "roq roq_dpcm"),
    "rso": (AUDIO, "pcm_u8"),
    "sbc": (f"{AUDIO} -ac 2", "sbc"),
    "smjpeg": (f"{VIDEO} {AUDIO}", "mjpeg pcm_s16le"),
    "sox": (AUDIO, "pcm_s32le"),
    "spdif": (f"{AUDIO.replace('44100', '48000')} -c:a ac3", "ac3"),
    "swf": (f"{VIDEO} {AUDIO} -c:a libmp3lame", "flv1 mp3"),
    "vvc": (f"{VIDEO} -c:v libvvenc -preset faster -s 96x80", "vvc"),
    "wsaud": (f"{AUDIO} -c:a adpcm_ima_ws", "adpcm_ima_ws"),
}
# Some frames hold more samples than the file should have.
LONGER = {"mmf", "roq", "spdif", "swf"}
VIDEOS = {
    "flic": lambda _: flic(),
    "ser": lambda _: ser(),
    "nuv": lambda _: nuv(),
    "nsv": nsv,
    "pva": pva,
    "thp": thp,
}
WRITTEN_CODECS = [sound.codec for sound in SOUNDS.values()] + ["flic", "nuv", "thp"]
COLORS = {"ser": (180, 180, 180), "nuv": (255, 0, 0)}
CONTROL = bytes(range(9))
ALMOST = {
    "ADX without its copyright": b"\x80\0\0\x20\3\x12\4\1" + bytes(100),
    "RSO that is longer than it says": b"\1\0\0\x20\x1f\x40\0\0" + bytes(100),
    "SWF of no size": b"FWS\6\0\1\0\0\x08" + bytes(100),
    "SWF that is not compressed": b"CWS\6\0\1\0\0" + bytes(100),
    "one frame of SBC": b"\x9c\xbd\x11" + bytes(100),
    "one burst of S/PDIF": b"\x72\xf8\x1f\x4e\1\0\0\x10" + bytes(7000),
    "a letter with a picture": b"--x\r\nContent-type: image/jpeg\r\n\r\nDear Sir",
    "a font": b"\0\1\0\0\0\x0f\0\x80" + bytes(100),
    "one picture of H.263": b"\0\0\x80\2\x08\2" + bytes(100),
    "VVC without a picture parameter set": b"\0\0\0\1\0\x79\0\0\0\1\0\x09" + bytes(100),
    "DNxHD of no kind": b"\0\0\2\x80\1" + bytes(100),
    "Westwood audio of 10 Hz": b"\x0a\0" + bytes(9) + b"\x63" + bytes(4) + b"\xaf\xde\0\0" + bytes(20),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The path of a file of each container, made when it is asked for."""
    folder = tmp_path_factory.mktemp("further")

    def make(name):
        path = folder / f"file.{name}"
        if not path.exists():
            argv = [str(bundled_ffmpeg()), "-v", "error", *MADE[name][0].split(), "-strict", "-2", "-f", name]
            subprocess.run([*argv, str(path)], check=True)
        return path

    return make


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_another_container_is_read(name, made, tmp_path, tools):
    found = probe(made(name), tools)
    streams = [stream for stream in (found.video, found.audio) if stream]
    assert (found.container, " ".join(stream.codec for stream in streams)) == (name, MADE[name][1])
    assert found.duration == pytest.approx(0.2, abs=0.11 if name in LONGER else 0.045)
    output = convert(made(name), "mp4" if found.video else "wav", tmp_path, tools)
    assert output.facts.duration == pytest.approx(found.duration, abs=0.06)
    if found.video:
        assert convert(made(name), "webp", tmp_path, tools, at=0.12, width=64).facts.width == 64


@pytest.mark.parametrize("name", SOUNDS)
def test_an_audio_file_is_decoded_to_its_samples(name, tmp_path, tools):
    path, sound = tmp_path / "input", SOUNDS[name]
    path.write_bytes(sound.content)
    found = probe(path, tools)
    assert (found.container, found.audio.codec) == (name.split(".")[-1], sound.codec)
    output = convert(path, "wav", tmp_path, tools)
    assert output.facts.duration == pytest.approx(found.duration, abs=0.03)
    if sound.samples:
        with wave.open(str(output.path)) as decoded:
            samples = struct.unpack(f"<{decoded.getnframes()}h", decoded.readframes(decoded.getnframes()))
        assert list(samples) == sound.samples


@pytest.mark.parametrize("output", ["mp3", "ogg", "flac"])
def test_dsd_gets_a_sample_rate_that_players_take(output, tmp_path, tools):
    path = tmp_path / "input"
    path.write_bytes(SOUNDS["dsf"].content)
    assert convert(path, output, tmp_path, tools).media.audio.sample_rate <= 192_000


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_decoded_to_its_pixels(name, tmp_path, tools):
    path = tmp_path / "input"
    path.write_bytes(VIDEOS[name](tmp_path))
    found = probe(path, tools)
    assert (found.container, found.video.frames, found.duration) == (name, 5, pytest.approx(0.2, abs=0.045))
    assert convert(path, "mp4", tmp_path, tools).facts.duration == pytest.approx(found.duration, abs=0.01)
    with Image.open(convert(path, "png", tmp_path, tools).path) as picture:
        assert picture.convert("RGB").getpixel((80, 60)) == pytest.approx(COLORS.get(name, RED), abs=4)


def test_dts_hd_is_read(media, tmp_path, tools):
    stream = media("tone.dts").read_bytes()
    content = b"DTSHDHDR" + struct.pack(">QI", 4, 0) + b"STRMDATA" + struct.pack(">Q", len(stream)) + stream
    (tmp_path / "input").write_bytes(content)
    assert probe(tmp_path / "input", tools).container == "dtshd"
    assert convert(tmp_path / "input", "wav", tmp_path, tools).facts.duration == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks.container)
def test_marks_lead_to_their_container(marks):
    assert sniff_bytes(header_with(marks) + bytes(40)).container == marks.container


def test_only_what_is_read_here_is_called_tested():
    read = {*MADE, *VIDEOS, "dtshd", *(name.rpartition(".")[2] for name in SOUNDS)}
    assert {marks.container for marks in MARKS if CONTAINERS[marks.container].is_tested} <= read


def test_headers_without_content_are_refused(tmp_path, tools):
    for marks in MARKS:
        (tmp_path / marks.container).write_bytes(header_with(marks))
    outcomes = probe_each(sorted(tmp_path.iterdir()), tools)
    read = [outcome for outcome in outcomes if not isinstance(outcome, errors.InputError)]
    assert [media.container for media in read] == []


def header_with(marks):
    ends = [number.offset + struct.calcsize(number.layout) for number in marks.numbers]
    header = bytearray(max(ends + [offset + len(mark) for offset, mark in marks.at.items()]))
    for number in marks.numbers:
        struct.pack_into(number.layout, header, number.offset, number.least)
    for offset, mark in marks.at.items():
        header[offset : offset + len(mark)] = mark
    return bytes(header)


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_cut_files_are_read_as_far_as_they_go_or_refused(share, made, tmp_path, tools):
    cut = [tmp_path / name for name in MADE]
    for path in cut:
        whole = made(path.name).read_bytes()
        path.write_bytes(whole[: max(12, int(len(whole) * share))])
    for outcome in probe_each(cut, tools):
        if not isinstance(outcome, (errors.InputUnreadable, errors.InputTruncated)):
            assert 0 <= outcome.duration <= share * 0.4 + 0.1


@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks.container)
def test_text_that_begins_like_a_container_is_rejected(marks):
    text = bytearray(b"Dear Sir or Madam, " * 20)
    for offset, mark in marks.at.items():
        text[offset : offset + len(mark)] = mark.translate(None, CONTROL) or b"x"
    with pytest.raises(errors.InputUnreadable):
        sniff_bytes(bytes(text))


@pytest.mark.parametrize("head", ALMOST.values(), ids=ALMOST)
def test_a_file_that_only_begins_like_a_container_is_rejected(head):
    with pytest.raises(errors.InputUnreadable):
        sniff_bytes(head)
