"""Which ffmpeg encoder writes a codec, and its options for a quality. The measurements are in docs/encoders.md."""

from typing import Any

from penstock.domain.planning import quality as scales
from penstock.domain.planning.plan import EncodeAudio, EncodeVideo

Options = dict[str, Any]

# At equal VMAF 3 to 17% smaller than ffmpeg's defaults, in 0.82 to 0.98 of the CPU time.
_X264: Options = {"c:v": "libx264", "preset": "fast", "x264-params": "psy=0:aq-strength=0.4", "profile:v:0": "high"}
# One pass. `row-mt` uses several threads without tiles, which cost bytes; only wide videos get tiles.
_VP9: Options = {
    "c:v": "libvpx-vp9",
    "b:v": 0,
    "deadline": "good",
    "cpu-used": 2,
    "row-mt": 1,
    "frame-parallel": 0,
    "g": 240,
}
# `mbcmp=sse` costs half of `rd` at equal quality; the default `sad` makes screen recordings several times larger.
# `mv0_threshold` skips the motion search of blocks that hardly change. A second encoder thread costs more than it
# saves; decoder and filters have threads of their own.
_MPEG4: Options = {
    "c:v": "mpeg4",
    "mbcmp": "sse",
    "mv0_threshold": 1536,
    "qmin": 1,
    "g": 250,
    "threads": 1,
    "vtag": "FMP4",
}

MAX_HERTZ = 192_000

# libopus rejects 5.1(side), and AAC in that layout does not play everywhere: always set a plain layout.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_WITH_LAYOUT = frozenset(("aac", "opus"))


def video_options(step: EncodeVideo) -> Options:
    """The options of the video encoder."""
    number = scales.encoder_setting(step.codec, step.quality)
    match step.codec:
        case "h264":
            return {**_X264, "crf": number}
        case "vp9":
            return {**_VP9, "crf": int(number), "tile-columns": _tile_columns(step.framing.size.width)}
        case _:
            return {**_MPEG4, "q:v": int(number)}


def audio_options(step: EncodeAudio) -> Options:
    """The options of the audio encoder."""
    return {**_audio_encoder(step), **_channel_options(step)}


def _audio_encoder(step: EncodeAudio) -> Options:
    match step.codec:
        case "aac" | "opus":
            kbps = scales.audio_kbps(step.codec, step.quality, step.channels)
            return {"c:a": "libopus" if step.codec == "opus" else "aac", "b:a": f"{round(kbps)}k"}
        case "mp3" | "vorbis":
            encoder = "libmp3lame" if step.codec == "mp3" else "libvorbis"
            return {"c:a": encoder, "q:a": scales.encoder_setting(step.codec, step.quality)}
        case "flac":
            # The encoder uses the length of the first frame as its block size; after a cut it may be very short.
            return {"c:a": "flac", "compression_level": 5, "af": "asetnsamples=n=4096:p=0"}
        case _:
            return {"c:a": "pcm_s16le"}


def _channel_options(step: EncodeAudio) -> Options:
    if step.codec in _WITH_LAYOUT:
        return {"af": f"aformat=channel_layouts={_LAYOUTS[step.channels]}"}
    return {"ac": step.channels}


def sample_rate_options(step: EncodeAudio, hertz: int) -> Options:
    """Nothing, which keeps the rate or lets the encoder choose; but for DSD, which has 352.8 kHz and more, what players
    take."""
    if hertz <= MAX_HERTZ:
        return {}
    if step.codec not in ("flac", "pcm_s16le"):
        return {"ar": 48_000}
    return {"ar": 176_400 if hertz % 44_100 == 0 else MAX_HERTZ}


def _tile_columns(width: int) -> int:
    """log2 of the number of tile columns: 0 below 1024 pixels, 1 below 2048, else 2."""
    return min(2, max(0, (width // 512).bit_length() - 1))
