"""Each supported codec is read in a test: from a file encoded here if that is possible, else from the corpus."""

import subprocess

import pytest

from penstock.engines import bundled_ffmpeg, probe
from penstock.engines.probing import decoders
from tests.corpus import corpus_files
from tests.engines.conversions import convert

pytestmark = pytest.mark.media

# The container, then the encoder if it has another name than the codec, and its options.
VIDEO_CODECS = {
    "cinepak": "mkv",
    "dnxhd": "mkv -profile:v dnxhr_lb -pix_fmt yuv422p -s 256x144",
    "dvvideo": "mkv -pix_fmt yuv420p -s 720x576 -r 25",
    "ffv1": "mkv",
    "ffvhuff": "mkv",
    "flashsv": "flv",
    "flashsv2": "flv",
    "flv1": "flv -c:v flv",
    "h263": "avi -s 128x96",
    "huffyuv": "mkv",
    "mpeg1video": "mpg",
    "mpeg2video": "mpg",
    "msmpeg4v3": "avi -c:v msmpeg4",
    "png": "mkv",
    "prores": "mov",
    "qtrle": "mov",
    "rawvideo": "avi",
    "svq1": "mov",
    "theora": "ogg -c:v libtheora",
    "utvideo": "mkv",
    "wmv1": "asf",
    "wmv2": "asf",
    "zmbv": "avi",
}
AUDIO_CODECS = {
    "adpcm_g722": "wav -c:a g722 -ar 16000 -ac 1",
    "adpcm_ima_qt": "mov",
    "adpcm_ms": "wav",
    "adpcm_swf": "flv -ar 22050",
    "adpcm_yamaha": "wav",
    "alac": "mov",
    "dts": "mkv -c:a dca",
    "eac3": "mkv",
    "nellymoser": "flv -ar 16000 -ac 1",
    "pcm_alaw": "wav",
    "pcm_f32be": "mov",
    "pcm_f64be": "mov",
    "pcm_f64le": "mov",
    "pcm_s24be": "aiff",
    "pcm_s32be": "aiff",
    "pcm_s32le": "wav",
    "pcm_s8": "aiff",
    "tta": "mkv",
    "wmav1": "asf",
    "wmav2": "asf",
}
# Supported, but no shipped encoder writes them.
READ_ONLY_CODECS = {
    "msmpeg4v1",
    "svq3",
    "vc1",
    "vp6",
    "vp6a",
    "vp6f",
    "wmv3",
    "pcm_bluray",
    "pcm_dvd",
    "speex",
    "wmapro",
}


@pytest.mark.parametrize("codec", VIDEO_CODECS)
def test_a_video_codec_is_read(codec, tmp_path, tools):
    converted = _encoded(
        codec, VIDEO_CODECS[codec], tmp_path, ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=0.5")
    )
    assert probe(converted, tools).video.codec == codec
    assert convert(converted, "mp4", tmp_path, tools, width=64).facts.codecs == "h264"


@pytest.mark.parametrize("codec", AUDIO_CODECS)
def test_an_audio_codec_is_read(codec, tmp_path, tools):
    converted = _encoded(
        codec, AUDIO_CODECS[codec], tmp_path, ("-f", "lavfi", "-i", "sine=sample_rate=48000:duration=0.5")
    )
    assert probe(converted, tools).audio.codec == codec
    assert convert(converted, "wav", tmp_path, tools).facts.duration == pytest.approx(0.5, abs=0.15)


@pytest.mark.corpus
def test_every_supported_codec_is_tested(corpus):
    held = {codec for corpus_file in corpus_files() for codec in corpus_file.codecs}
    read = set(VIDEO_CODECS) | set(AUDIO_CODECS) | held | {"wavpack", "ac3"}
    assert (set(decoders.VIDEO) | set(decoders.AUDIO)) - read == READ_ONLY_CODECS


def _encoded(codec, options_line, tmp_path, source):
    container, *options = options_line.split()
    kind = "v" if "testsrc2" in source[-1] else "a"
    path = tmp_path / f"made.{container}"
    argv = [str(bundled_ffmpeg()), "-v", "error", "-y", *source, f"-c:{kind}", codec, *options, "-strict", "-2"]
    subprocess.run([*argv, str(path)], check=True)
    return path
