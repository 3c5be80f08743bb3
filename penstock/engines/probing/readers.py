"""The demuxer or Pillow format that may open each container."""

from dataclasses import dataclass
from typing import Literal

Reader = Literal["libav", "pillow"]


@dataclass(frozen=True, slots=True)
class FileType:
    """The container by our name, and the demuxer (libav) or image format (Pillow) to force: `format_name`."""

    container: str
    reader: Reader
    format_name: str


# Containers that libav's demuxers call as we do: of games, telephones, recorders and studios.
_SAME_NAME = (
    "4xm acm adx ads aea alp anm apc apm argo_asf ast avr bethsoftvid bfi bfstm bink binka bit brstm derf dfa "
    "dsf dsicin dss dtshd dxa ea epaf film_cpk flic fsb gdv genh hca hcom hnm ifv ilbc ipmovie ipu ircam jv "
    "kvag lxf mm mmf mods mpc mpc8 mpjpeg msf mtaf mtv mv nistsphere nsp nsv nuv oma osq paf pdv pmp psxstr pva "
    "pvf qcp qoa rka rl2 roq rpl rsd rso sbc ser shn siff smjpeg smk smush sol sox spdif svag swf tak thp ty usm "
    "vag vc1test vividas vmd vpk vqf wc3movie wsaud wsd wsvqa wve xa xmv xvag xwma dnxhd h261 h263 vvc"
)

READERS: dict[str, tuple[Reader, str]] = {
    "mp4": ("libav", "mov"),
    "mov": ("libav", "mov"),
    "m4a": ("libav", "mov"),
    "3gp": ("libav", "mov"),
    "webm": ("libav", "matroska"),
    "matroska": ("libav", "matroska"),
    "avi": ("libav", "avi"),
    "flv": ("libav", "flv"),
    "mpeg": ("libav", "mpeg"),
    "mpegts": ("libav", "mpegts"),
    "asf": ("libav", "asf"),
    "ogg": ("libav", "ogg"),
    "mp3": ("libav", "mp3"),
    "wav": ("libav", "wav"),
    "flac": ("libav", "flac"),
    "aiff": ("libav", "aiff"),
    "aac": ("libav", "aac"),
    "ac3": ("libav", "ac3"),
    "amr": ("libav", "amr"),
    "ape": ("libav", "ape"),
    "wavpack": ("libav", "wv"),
    "mxf": ("libav", "mxf"),
    "gxf": ("libav", "gxf"),
    "wtv": ("libav", "wtv"),
    "realmedia": ("libav", "rm"),
    "nut": ("libav", "nut"),
    "ivf": ("libav", "ivf"),
    "y4m": ("libav", "yuv4mpegpipe"),
    "caf": ("libav", "caf"),
    "au": ("libav", "au"),
    "w64": ("libav", "w64"),
    "voc": ("libav", "voc"),
    "tta": ("libav", "tta"),
    "dts": ("libav", "dts"),
    "h264": ("libav", "h264"),
    "hevc": ("libav", "hevc"),
    "mpegvideo": ("libav", "mpegvideo"),
    "m4v": ("libav", "m4v"),
    "vc1": ("libav", "vc1"),
    "obu": ("libav", "obu"),
    "apv": ("libav", "apv"),
    "eac3": ("libav", "eac3"),
    "mlp": ("libav", "mlp"),
    "truehd": ("libav", "truehd"),
    "latm": ("libav", "loas"),
    "mp2": ("libav", "mp3"),
    "dv": ("libav", "dv"),
    **{name: ("libav", name) for name in _SAME_NAME.split()},
    "amv": ("libav", "avi"),
    "8svx": ("libav", "iff"),
    "dsdiff": ("libav", "iff"),
    "jpeg": ("pillow", "JPEG"),
    "png": ("pillow", "PNG"),
    "gif": ("pillow", "GIF"),
    "webp": ("pillow", "WEBP"),
    "tiff": ("pillow", "TIFF"),
    "bmp": ("pillow", "BMP"),
    "ico": ("pillow", "ICO"),
    "icns": ("pillow", "ICNS"),
    "netpbm": ("pillow", "PPM"),
    "pcx": ("pillow", "PCX"),
    "dds": ("pillow", "DDS"),
    "sgi": ("pillow", "SGI"),
    "qoi": ("pillow", "QOI"),
    "jpeg2000": ("pillow", "JPEG2000"),
    "pfm": ("pillow", "PFM"),
    "hdr": ("pillow", "HDR"),
    "phm": ("pillow", "PHM"),
    "exr": ("pillow", "EXR"),
    "targa": ("pillow", "TGA"),
    "msp": ("pillow", "MSP"),
    "psd": ("pillow", "PSD"),
    "sunrast": ("pillow", "LIBAV"),
    "xbm": ("pillow", "LIBAV"),
    "xpm": ("pillow", "XPM"),
    "xwd": ("pillow", "LIBAV"),
    "pam": ("pillow", "LIBAV"),
    "pgx": ("pillow", "LIBAV"),
    "photocd": ("pillow", "PCD"),
    "pict": ("pillow", "LIBAV"),
    "pictor": ("pillow", "LIBAV"),
    "gem": ("pillow", "LIBAV"),
    "vbn": ("pillow", "LIBAV"),
    "cri": ("pillow", "LIBAV"),
    "jpegls": ("pillow", "LIBAV"),
    "dpx": ("pillow", "LIBAV"),
    "ilbm": ("pillow", "LIBAV"),
    "fits": ("pillow", "LIBAV"),
    "brender": ("pillow", "LIBAV"),
    "txd": ("pillow", "LIBAV"),
    "dng": ("pillow", "RAW"),
    "cr2": ("pillow", "RAW"),
    "cr3": ("pillow", "RAW"),
    "nef": ("pillow", "RAW"),
    "arw": ("pillow", "RAW"),
    "jpegxl": ("pillow", "JXL"),
    "avif": ("pillow", "AVIF"),
    "heif": ("pillow", "HEIF"),
}

# Video without a container: no time is stored in it, so each frame follows the one before. The demuxer has the same
# name, or it is read by `mpjpeg`.
ELEMENTARY_VIDEO = frozenset(
    ("h264", "hevc", "mpegvideo", "m4v", "vc1", "obu", "apv", "dnxhd", "h261", "h263", "vvc", "mpjpeg")
)
# Containers that are read from the start, also for a cut or a still: libav seeks in few of these, and some of its
# demuxers read nothing more after they failed to.
UNSEEKABLE = ELEMENTARY_VIDEO | {*_SAME_NAME.split(), "amv"}

# Audio whose packets do not tell how long they last, or was not tried: all of it is decoded for its length.
_MEASURED = "acm bfstm binka brstm dss fsb hca hcom mpc mpc8 mtaf osq qcp rka shn tak vqf wsd xa xvag xwma"
MEASURED_BY_DECODING = frozenset(_MEASURED.split())


def forced_format(container: str) -> str:
    """The demuxer or Pillow format that reads this container."""
    return READERS[container][1]
