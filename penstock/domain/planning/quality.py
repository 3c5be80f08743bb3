"""Quality 0…1 as each encoder's own number (CRF, -q:a, kbit/s …), so that one quality looks alike in every format.

The scales were measured (benchmarks/quality)."""

import math
from bisect import bisect_right
from dataclasses import dataclass

_QUALITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class QualityScale:
    """An encoder's number at each of the six measured qualities, limited to `low`…`high`. `whole`: integers only."""

    at: tuple[float, float, float, float, float, float]
    low: float
    high: float
    whole: bool = True


# At quality 0 each encoder is at its worst: 63 for vp9, and 0 for vorbis, where ffmpeg ignores negative numbers.
SCALES: dict[str, QualityScale] = {
    "h264": QualityScale((40.8, 38, 33.6, 28.8, 24, 18), 0, 51, whole=False),
    "vp9": QualityScale((63, 59, 50, 41, 31, 20), 0, 63),
    "mpeg4": QualityScale((28, 19, 11, 6, 3, 1), 1, 31),
    "jpeg": QualityScale((20, 30, 46, 66, 83, 95), 1, 95),
    "webp": QualityScale((16, 33, 50, 75, 86, 100), 1, 100),
    "webp_small": QualityScale((16, 33, 50, 78, 91, 100), 1, 100),
    "png": QualityScale((16, 38, 64, 128, 256, 256), 16, 256),
    "gif": QualityScale((32, 48, 64, 128, 256, 256), 32, 256),
    "gif_film": QualityScale((32, 64, 128, 256, 256, 256), 32, 256),
    "gif_fps": QualityScale((8, 10, 12.5, 12.5, 16.67, 25), 8, 25, whole=False),
    "aac": QualityScale((48, 64, 80, 96, 128, 192), 48, 192),
    "opus": QualityScale((24, 40, 56, 72, 96, 160), 24, 160),
    "mp3": QualityScale((9, 8, 6, 4.5, 3, 0), 0, 9, whole=False),
    "vorbis": QualityScale((0, 0, 2, 3.5, 5, 9), 0, 10, whole=False),
}

DEFAULT_QUALITY = 0.8

# 4:2:0 instead of 4:4:4 costs an image 320 pixels wide about 7 SSIMULACRA2 points, one 1024 wide 3 to 6; there the
# bytes are better spent on quality. WebP is always 4:2:0.
_MIN_FULL_CHROMA_QUALITY = 0.9
_SMALL_IMAGE_PIXELS = 400 * 300

# Dithering of a gif at each measured quality: of an image as a strength 0…1, of a video as ffmpeg's `dither`. Full
# strength makes an image larger, and helps gradients as much as it harms faces.
_GIF_DITHER_STRENGTHS = (0.0, 0.0, 0.25, 0.25, 0.5, 0.5)
FFMPEG_DITHERS = ("none", "none", "bayer:bayer_scale=5", "bayer:bayer_scale=5", "bayer:bayer_scale=3", "sierra2_4a")

# The bitrate of our own encoders at each quality: of 640x360 video, and of stereo audio.
_VIDEO_KBPS = QualityScale((70, 92, 143, 243, 450, 1020), 1, 1_000_000, whole=False)
# Bitrate of a codec relative to h264, and of channel counts relative to stereo, at equal quality.
_CODEC_BITRATE = {"h264": 1.0, "vp8": 1.3, "vp9": 0.9, "av1": 0.9, "mpeg4": 2.8}
_AUDIO_KBPS: dict[str, QualityScale] = {
    "aac": SCALES["aac"],
    "opus": SCALES["opus"],
    "mp3": QualityScale((55, 62, 82, 113, 138, 224), 32, 320, whole=False),
    "vorbis": QualityScale((58, 58, 80, 94, 125, 250), 32, 500, whole=False),
}
_CHANNELS_BITRATE = {1: 0.6, 2: 1.0, 3: 1.5, 4: 1.8, 5: 2.0, 6: 2.25, 7: 2.6, 8: 3.0}


def encoder_setting(encoder: str, quality: float) -> float:
    """The encoder's number for a quality, interpolated between the measured ones, an integer if it needs one."""
    scale = SCALES[encoder]
    value = interpolated(scale, quality)
    return float(round(value)) if scale.whole else round(value, 2)


def image_setting(encoder: str, quality: float, pixels: int) -> float:
    """The same for an image of this many pixels: WebP needs a higher number for small images."""
    small = f"{encoder}_small"
    return encoder_setting(small if pixels <= _SMALL_IMAGE_PIXELS and small in SCALES else encoder, quality)


def full_chroma(quality: float, pixels: int) -> bool:
    """Whether a JPEG is 4:4:4: at high quality, and where the image is small."""
    return quality >= _MIN_FULL_CHROMA_QUALITY or pixels <= _SMALL_IMAGE_PIXELS


def ffmpeg_dither(quality: float) -> str:
    """The `dither` option of ffmpeg's paletteuse for the gif of a video."""
    return FFMPEG_DITHERS[_measured_step(quality)]


def gif_dither_strength(quality: float) -> float:
    """How strongly the gif of an image is dithered, 0…1."""
    return _GIF_DITHER_STRENGTHS[_measured_step(quality)]


def _measured_step(quality: float) -> int:
    """The index of the highest measured quality that is not above this one."""
    return max(0, bisect_right(_QUALITIES, quality + 1e-9) - 1)


def audio_kbps(codec: str, quality: float, channels: int) -> float:
    """The bitrate of our encoder of this codec in kbit/s; infinity for lossless codecs."""
    scale = _AUDIO_KBPS.get(codec)
    return interpolated(scale, quality) * _CHANNELS_BITRATE.get(channels, 3.0) if scale else float("inf")


def video_kbps(codec: str, quality: float, pixels: int, fps: float) -> float:
    """The bitrate of our encoder in kbit/s for ordinary video with frames of this many pixels."""
    factor = math.pow(pixels / (640 * 360), 0.8) * math.sqrt(max(fps, 1.0) / 30)
    return interpolated(_VIDEO_KBPS, quality) * factor * _CODEC_BITRATE[codec]


def interpolated(scale: QualityScale, quality: float) -> float:
    """The scale's value at a quality, linear between the measured ones."""
    left = min(4, max(0, bisect_right(_QUALITIES, quality) - 1))
    share = (quality - _QUALITIES[left]) / (_QUALITIES[left + 1] - _QUALITIES[left])
    value = scale.at[left] + share * (scale.at[left + 1] - scale.at[left])
    return min(scale.high, max(scale.low, value))
