"""Quality 0…1 as each encoder's own number, so that the same quality looks the same on every format."""

import math
from bisect import bisect_right
from dataclasses import dataclass

_QUALITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class QualityScale:
    """An encoder's number at each of the six measured qualities; never beyond `low` and `high`."""

    at: tuple[float, float, float, float, float, float]
    low: float
    high: float
    whole: bool = True


# At 0 is what the poorest encoder of a kind can still be told: 63 for vp9, and 0 for vorbis, whose negative numbers
# ffmpeg takes for none.
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

# A picture 320 pixels wide with a quarter of the colour scores some seven points less than with all of it, one of 1024
# three to six; there the bytes buy more as quality. WebP knows no more than a quarter.
_FULL_CHROMA = 0.9
_FEW_PIXELS = 400 * 300

# A gif's dithering: how far a picture's is spread, and a film's by ffmpeg's names. All of it costs a picture bytes, and
# what it is worth on a sky it loses on a face.
_SPREADS = (0.0, 0.0, 0.25, 0.25, 0.5, 0.5)
FFMPEG_DITHERS = ("none", "none", "bayer:bayer_scale=5", "bayer:bayer_scale=5", "bayer:bayer_scale=3", "sierra2_4a")

# What our own encoders spend on 640x360 at each quality, to judge what a source may spend and still be copied.
_PICTURE_KBPS = QualityScale((70, 92, 143, 243, 450, 1020), 1, 1_000_000, whole=False)
_PICTURE_SHARE = {"h264": 1.0, "vp8": 1.3, "vp9": 0.9, "av1": 0.9, "mpeg4": 2.8}
_TONE_KBPS: dict[str, QualityScale] = {
    "aac": SCALES["aac"],
    "opus": SCALES["opus"],
    "mp3": QualityScale((55, 62, 82, 113, 138, 224), 32, 320, whole=False),
    "vorbis": QualityScale((58, 58, 80, 94, 125, 250), 32, 500, whole=False),
}
_CHANNEL_SHARE = {1: 0.6, 2: 1.0, 3: 1.5, 4: 1.8, 5: 2.0, 6: 2.25, 7: 2.6, 8: 3.0}


def encoder_setting(encoder: str, quality: float) -> float:
    """The encoder's number for a quality: linear between the measured ones, whole where the encoder wants that."""
    scale = SCALES[encoder]
    value = interpolated(scale, quality)
    return float(round(value)) if scale.whole else round(value, 2)


def image_setting(encoder: str, quality: float, pixels: int) -> float:
    """The same for a picture of so many pixels: where they are few, some encoders need another number."""
    small = f"{encoder}_small"
    return encoder_setting(small if pixels <= _FEW_PIXELS and small in SCALES else encoder, quality)


def full_chroma(quality: float, pixels: int) -> bool:
    """Whether a JPEG keeps all of its colour: at high qualities, and where a picture has few pixels to spare."""
    return quality >= _FULL_CHROMA or pixels <= _FEW_PIXELS


def ffmpeg_dither(quality: float) -> str:
    """The dithering of a film's gif, that of the highest measured quality not above this one."""
    return FFMPEG_DITHERS[_step(quality)]


def gif_dither_strength(quality: float) -> float:
    """The dithering of a picture's gif, from 0 to 1, as `ffmpeg_dither` chooses."""
    return _SPREADS[_step(quality)]


def _step(quality: float) -> int:
    return max(0, bisect_right(_QUALITIES, quality + 1e-9) - 1)


def audio_kbps(codec: str, quality: float, channels: int) -> float:
    """What our encoder of this codec would spend; lossless ones have no say and answer infinity."""
    scale = _TONE_KBPS.get(codec)
    return interpolated(scale, quality) * _CHANNEL_SHARE.get(channels, 3.0) if scale else float("inf")


def video_kbps(codec: str, quality: float, pixels: int, fps: float) -> float:
    """What our encoder would spend on an ordinary picture of this many pixels."""
    larger = math.pow(pixels / (640 * 360), 0.8) * math.sqrt(max(fps, 1.0) / 30)
    return interpolated(_PICTURE_KBPS, quality) * larger * _PICTURE_SHARE[codec]


def interpolated(scale: QualityScale, quality: float) -> float:
    """Linear between the measured qualities."""
    left = min(4, max(0, bisect_right(_QUALITIES, quality) - 1))
    share = (quality - _QUALITIES[left]) / (_QUALITIES[left + 1] - _QUALITIES[left])
    value = scale.at[left] + share * (scale.at[left + 1] - scale.at[left])
    return min(scale.high, max(scale.low, value))
