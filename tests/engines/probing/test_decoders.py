"""Each supported codec is read in a test: from a file encoded here if that is possible, else from the corpus."""

import subprocess

import pytest

from penstock.engines import bundled_ffmpeg, probe
from penstock.engines.probing import decoders
from tests.corpus import corpus_files
from tests.engines.conversions import convert
from tests.engines.probing.test_further_containers import MADE, WRITTEN_CODECS

pytestmark = pytest.mark.media

# The container, then the encoder if it has another name than the codec, and its options.
VIDEO_CODECS = {
    "apv": "mkv -s 352x288",
    "asv1": "avi",
    "asv2": "avi",
    "avrp": "mov",
    "cfhd": "mov",
    "cljr": "avi",
    "cinepak": "mkv",
    "dirac": "mkv -c:v vc2",
    "dnxhd": "mkv -profile:v dnxhr_lb -pix_fmt yuv422p -s 256x144",
    "dvvideo": "mkv -pix_fmt yuv420p -s 720x576 -r 25",
    "dpx": "mov",
    "dxv": "mov",
    "exr": "mov",
    "ffv1": "mkv",
    "ffvhuff": "mkv",
    "flashsv": "flv",
    "flashsv2": "flv",
    "flv1": "flv -c:v flv",
    "h261": "avi -s 176x144",
    "h263": "avi -s 128x96",
    "hap": "mov",
    "huffyuv": "mkv",
    "jpeg2000": "mov",
    "jpegls": "avi",
    "magicyuv": "avi",
    "mpeg1video": "mpg",
    "mpeg2video": "mpg",
    "msmpeg4v3": "avi -c:v msmpeg4",
    "msrle": "avi",
    "msvideo1": "avi",
    "png": "mkv",
    "prores": "mov",
    "qtrle": "mov",
    "r10k": "mov",
    "r210": "mov",
    "rawvideo": "avi",
    "rpza": "mov",
    "rv10": "rm -s 176x144",
    "rv20": "rm -s 176x144",
    "sgi": "mov",
    "smc": "mov",
    "snow": "avi",
    "speedhq": "mov",
    "svq1": "mov",
    "targa": "mov",
    "theora": "ogg -c:v libtheora",
    "utvideo": "mkv",
    "v210": "mov",
    "vvc": "mkv -c:v libvvenc",
    "wmv1": "asf",
    "wmv2": "asf",
    "y41p": "avi",
    "yuv4": "mov",
    "zlib": "avi",
    "zmbv": "avi",
}
AUDIO_CODECS = {
    "aac_latm": "ts -c:a aac -mpegts_flags latm",
    "adpcm_g722": "wav -c:a g722 -ar 16000 -ac 1",
    "adpcm_g726": "wav -c:a g726 -ar 8000 -ac 1",
    "adpcm_ima_qt": "mov",
    "adpcm_ima_ws": "aiff",
    "adpcm_ms": "wav",
    "adpcm_swf": "flv -ar 22050",
    "adpcm_yamaha": "wav",
    "alac": "mov",
    "dfpwm": "wav",
    "dts": "mkv -c:a dca",
    "eac3": "mkv",
    "g723_1": "wav -ar 8000 -ac 1",
    "mlp": "mkv",
    "nellymoser": "flv -ar 16000 -ac 1",
    "pcm_alaw": "wav",
    "pcm_bluray": "m2ts -mpegts_m2ts_mode 1",
    "pcm_dvd": "vob",
    "pcm_f32be": "mov",
    "pcm_f64be": "mov",
    "pcm_f64le": "mov",
    "pcm_s16be_planar": "nut",
    "pcm_s16le_planar": "nut",
    "pcm_s24be": "aiff",
    "pcm_s24le_planar": "nut",
    "pcm_s32be": "aiff",
    "pcm_s32le": "wav",
    "pcm_s32le_planar": "nut",
    "pcm_s64le": "wav",
    "pcm_s8": "aiff",
    "pcm_s8_planar": "nut",
    "ra_144": "mkv -c:a real_144 -ar 8000 -ac 1",
    "s302m": "ts -ac 2",
    "truehd": "mkv",
    "tta": "mkv",
    "wmav1": "asf",
    "wmav2": "asf",
}
# Supported, but no shipped encoder writes them.
_READ_ONLY = (
    "8bps aasc adpcm_ct adpcm_ima_dk3 adpcm_ima_dk4 adpcm_sbpro_2 adpcm_sbpro_3 adpcm_sbpro_4 aic atrac3 atrac3al "
    "atrac3p atrac3pal avc cavs clearvideo cllc cook cscd cyuv dolby_e dvaudio dxtory evrc fic fmvc fraps g2m "
    "gsm gsm_ms h263i hq_hqa hqx iac imc indeo2 indeo3 indeo4 indeo5 kmvc lagarith loco lscr mace3 "
    "mace6 media100 metasound mimic mjpegb mp1 mp3adu mp3on4 mp4als msa1 mscc msmpeg4v1 mss1 mss2 mszh mts2 mwsc "
    "notchlc pcm_f16le pcm_f24le "
    "pixlet prores_raw qcelp qdm2 qdmc qpeg ra_288 ralf rasc rscc rv30 "
    "rv40 scpr screenpresso sheervideo sipr siren sp5x speex srgc svq3 targa_y216 tdsc truemotion1 truemotion2 "
    "truespeech tscc2 twinvq ulti v210x vb vble vc1 vc1image vcr1 vixl vmnc vp3 vp4 vp5 vp6 vp6a vp6f vp7 "
    "wcmv wmapro wmavoice wmv3 wmv3image wnv1 xan_wc4 xma1 xma2 ylc zerocodec "
    # in containers of games and others that were not tried
    "adpcm_afc adpcm_ima_smjpeg westwood_snd1 4xm 8svx_exp 8svx_fib adpcm_4xm adpcm_aica adpcm_dtk adpcm_ea "
    "adpcm_ea_maxis_xa adpcm_ea_r1 adpcm_ea_r2 adpcm_ea_r3 adpcm_ea_xas adpcm_ima_acorn adpcm_ima_ea_eacs "
    "adpcm_ima_ea_sead adpcm_ima_rad adpcm_ima_xbox adpcm_mtaf adpcm_thp adpcm_thp_le adpcm_vima adpcm_xa anm "
    "bethsoftvid bfi binkaudio_dct binkaudio_rdft binkvideo cmv dfa dsd_lsbf dsd_msbf_planar dsicinaudio dsicinvideo "
    "dss_sp dst dxa escape124 escape130 fastaudio gdv gremlin_dpcm hca hcom hnm4video interplay_dpcm interplayacm "
    "interplayvideo ipu jv mad mdec mmvideo mobiclip musepack7 musepack8 mvc1 mvc2 osq paf_audio paf_video pcm_lxf "
    "pcm_vidc rka rl2 sanm sdx2_dpcm sgirle smackaudio smackvideo sol_dpcm tak tgq tgv tqi vmdaudio "
    "vmdvideo ws_vqa xan_wc3"
)
READ_ONLY_CODECS = {*_READ_ONLY.split()}


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
    made = {codec for _, codecs in MADE.values() for codec in codecs.split()} | set(WRITTEN_CODECS)
    read = set(VIDEO_CODECS) | set(AUDIO_CODECS) | held | made | {"wavpack", "ac3"}
    assert (set(decoders.VIDEO) | set(decoders.AUDIO)) - read == READ_ONLY_CODECS


def test_every_decoder_is_in_the_shipped_ffmpeg():
    told = subprocess.run([bundled_ffmpeg(), "-v", "quiet", "-decoders"], check=True, capture_output=True, text=True)
    known = {words[1] for line in told.stdout.splitlines() if len(words := line.split()) > 1}
    assert not set(decoders.whitelist().split(",")) - known


def _encoded(codec, options_line, tmp_path, source):
    container, *options = options_line.split()
    kind = "v" if "testsrc2" in source[-1] else "a"
    path = tmp_path / f"made.{container}"
    argv = [str(bundled_ffmpeg()), "-v", "error", "-y", *source, f"-c:{kind}", codec, *options, "-strict", "-2"]
    subprocess.run([*argv, str(path)], check=True)
    return path
