"""The color properties of a video: ffmpeg's names for them, and defaults where the video declares none.

Players guess undeclared colors by the frame size. An output may have another size than its input, so the guess for the
input is made here, and the output declares it.
"""

from penstock.domain.media import VideoStream

# Options of ffmpeg's filter `setparams`.
ColorOptions = dict[str, str]

# ffmpeg's names for the numbers of ISO/IEC 23091-2; 2 is "unspecified".
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

# The transfer function of digital cinema: zscale cannot convert from it.
_NOT_CONVERTIBLE = "smpte428"

_SD = {"color_primaries": "smpte170m", "color_trc": "smpte170m", "colorspace": "smpte170m"}
_HD = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
# ffmpeg converts RGB to YUV with sRGB's primaries and its default matrix, BT.601.
_FROM_RGB = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "smpte170m"}
_HD_WIDTH, _HD_HEIGHT = 1280, 577
# BT.601 at any size, by their standards or in all decoders.
_ALWAYS_SD = frozenset(("mjpeg", "vp8", "theora", "mpeg1video", "mpeg4", "msmpeg4v2", "msmpeg4v3"))


def default_colors(stream: VideoStream) -> ColorOptions:
    """The properties to set on decoded frames: those that the video does not declare.

    Empty for RGB, for HDR, and where the matrix is declared, unless the frames will be converted from a wide gamut:
    `zscale` needs all of them."""
    if stream.is_hdr or not stream.pixel_format.startswith("yuv"):
        return {}
    if stream.matrix and not stream.has_wide_gamut:
        return {}
    transfer = None if stream.transfer == _NOT_CONVERTIBLE else stream.transfer
    declared = {"color_primaries": stream.primaries, "color_trc": transfer, "colorspace": stream.matrix}
    return {name: value for name, value in _defaults(stream).items() if not declared.get(name)}


def colors_after_rgb(stream: VideoStream) -> ColorOptions:
    """The properties to set on frames that ffmpeg converted from RGB to YUV; empty for YUV input."""
    return {} if stream.pixel_format.startswith("yuv") else _FROM_RGB


def _defaults(stream: VideoStream) -> ColorOptions:
    is_hd = stream.coded.width >= _HD_WIDTH or stream.coded.height >= _HD_HEIGHT
    return _HD if is_hd and stream.codec not in _ALWAYS_SD else _SD
