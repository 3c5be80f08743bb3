"""What a video tells of its colours; and where it tells nothing, what players take it for, said in so many words.

A player guesses by the size, and the output may have another size than the input: so the guess is made here, once."""

from penstock.domain.media import VideoStream
from penstock.domain.planning.stream_copy import HDR_TRANSFERS, has_wide_gamut

Colours = dict[str, str]

# ffmpeg's words for the numbers of ISO/IEC 23091-2; 2 is "not told".
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "jedec-p22",
}
MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}

# The curve of cinemas, which no filter turns back.
_WITHOUT_WAY_BACK = "smpte428"

_STANDARD = {"color_primaries": "smpte170m", "color_trc": "smpte170m", "colorspace": "smpte170m"}
_HIGH = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
# What ffmpeg makes of RGB: sRGB's colours, in the matrix that it takes where none is told.
_FROM_RGB = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "smpte170m"}
_HIGH_WIDTH, _HIGH_HEIGHT = 1280, 577
# By their standards, or by all decoders, of whatever size.
_ALWAYS_STANDARD = frozenset(("mjpeg", "vp8", "theora", "mpeg1video", "mpeg4", "msmpeg4v2", "msmpeg4v3"))


def untold(stream: VideoStream) -> Colours:
    """What has to be said of the decoded frames; nothing where their matrix is told, or where they are RGB.
    What is brought to other colours has to have told them all."""
    if stream.transfer in HDR_TRANSFERS or not stream.pixel_format.startswith("yuv"):
        return {}
    if stream.matrix and not has_wide_gamut(stream):
        return {}
    transfer = None if stream.transfer == _WITHOUT_WAY_BACK else stream.transfer
    known = {"color_primaries": stream.primaries, "color_trc": transfer, "colorspace": stream.matrix}
    return {name: value for name, value in _guess(stream).items() if not known.get(name)}


def made_of_rgb(stream: VideoStream) -> Colours:
    """What has to be said of a picture that ffmpeg made YUV of RGB."""
    return {} if stream.pixel_format.startswith("yuv") else _FROM_RGB


def _guess(stream: VideoStream) -> Colours:
    high = stream.coded.width >= _HIGH_WIDTH or stream.coded.height >= _HIGH_HEIGHT
    return _HIGH if high and stream.codec not in _ALWAYS_STANDARD else _STANDARD
