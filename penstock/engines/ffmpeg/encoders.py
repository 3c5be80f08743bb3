"""The encoders' own words: which one writes a codec, and its settings for a quality."""

from typing import Any

from penstock.domain.planning import quality as scales
from penstock.domain.planning.plan import EncodeAudio, EncodeVideo

Options = dict[str, Any]

# Tuned for the same picture in fewer bits and less time than the plain settings.
_X264: Options = {"c:v": "libx264", "preset": "fast", "x264-params": "psy=0:aq-strength=0.4", "profile:v:0": "high"}
# In one pass nothing looks ahead. Rows go side by side, so that tiles, which cost bytes, are left to large pictures.
_VP9: Options = {
    "c:v": "libvpx-vp9",
    "b:v": 0,
    "deadline": "good",
    "cpu-used": 2,
    "row-mt": 1,
    "frame-parallel": 0,
    "g": 240,
}
# By squares it chooses as well as by rate and distortion, in half the time; by sums, its own way, a screen where little
# moves is several times as large. What nearly stands still is not searched for. A second thread costs it more than it
# saves: what decodes and filters has its own.
_MPEG4: Options = {
    "c:v": "mpeg4",
    "mbcmp": "sse",
    "mv0_threshold": 1536,
    "qmin": 1,
    "g": 250,
    "threads": 1,
    "vtag": "FMP4",
}

# 5.1 with side speakers is refused by opus, and is not AAC that plays everywhere.
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_LAID_OUT = frozenset(("aac", "opus"))


def video_options(step: EncodeVideo) -> Options:
    """The picture encoder's part of a command line."""
    number = scales.encoder_setting(step.codec, step.quality)
    match step.codec:
        case "h264":
            return {**_X264, "crf": number}
        case "vp9":
            return {**_VP9, "crf": int(number), "tile-columns": _tile_columns(step.framing.size.width)}
        case _:
            return {**_MPEG4, "q:v": int(number)}


def audio_options(step: EncodeAudio) -> Options:
    """The sound encoder's part of a command line."""
    return {**_coded(step), **_spread(step)}


def _coded(step: EncodeAudio) -> Options:
    match step.codec:
        case "aac" | "opus":
            kbps = scales.audio_kbps(step.codec, step.quality, step.channels)
            return {"c:a": "libopus" if step.codec == "opus" else "aac", "b:a": f"{round(kbps)}k"}
        case "mp3" | "vorbis":
            encoder = "libmp3lame" if step.codec == "mp3" else "libvorbis"
            return {"c:a": encoder, "q:a": scales.encoder_setting(step.codec, step.quality)}
        case "flac":
            # The encoder takes its block size from the first frame, and a cut may leave a very short one.
            return {"c:a": "flac", "compression_level": 5, "af": "asetnsamples=n=4096:p=0"}
        case _:
            return {"c:a": "pcm_s16le"}


def _spread(step: EncodeAudio) -> Options:
    if step.codec in _LAID_OUT:
        return {"af": f"aformat=channel_layouts={_LAYOUTS[step.channels]}"}
    return {"ac": step.channels}


def _tile_columns(width: int) -> int:
    return min(2, max(0, (width // 512).bit_length() - 1))
