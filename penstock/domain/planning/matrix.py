"""The tables of what may become what: containers, kinds, refused pairs. `penstock formats` reads them alone, so that it
needs no pydantic."""

from dataclasses import dataclass
from typing import Any

from penstock.domain.formats import FORMATS, KINDS, Format, Kind

Pair = tuple[str, str]

OUTPUT_KINDS: dict[Kind, tuple[Kind, ...]] = {
    "video": ("video", "audio", "image"),
    "audio": ("audio",),
    "image": ("image",),
}

REFUSED_PAIRS: dict[Pair, str] = {
    ("mov", "mp3"): "A .mov file cannot be converted to mp3; choose wav, ogg or flac.",
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container that we read, and the kinds that a probe may find in it, the usual one first.

    Not `is_tested`: known by its signature and left to its decoder; no test of ours reads such a file."""

    label: str
    kinds: tuple[Kind, ...]
    is_tested: bool = True


CONTAINERS: dict[str, Container] = {
    "mp4": Container("MP4", ("video", "audio")),
    "mov": Container("QuickTime", ("video", "audio")),
    "m4a": Container("MPEG-4 audio", ("audio", "video")),
    "3gp": Container("3GPP", ("video", "audio")),
    "webm": Container("WebM", ("video", "audio")),
    "matroska": Container("Matroska", ("video", "audio")),
    "avi": Container("AVI", ("video", "audio")),
    "flv": Container("Flash video", ("video", "audio")),
    "mpeg": Container("MPEG program stream", ("video", "audio")),
    "mpegts": Container("MPEG transport stream", ("video", "audio")),
    "asf": Container("Windows Media", ("video", "audio")),
    "ogg": Container("Ogg", ("video", "audio")),
    "mp3": Container("MP3", ("audio",)),
    "wav": Container("WAV", ("audio",)),
    "flac": Container("FLAC", ("audio",)),
    "aiff": Container("AIFF", ("audio",)),
    "aac": Container("AAC (ADTS)", ("audio",)),
    "ac3": Container("AC-3", ("audio",)),
    "amr": Container("AMR", ("audio",)),
    "ape": Container("Monkey's Audio", ("audio",)),
    "wavpack": Container("WavPack", ("audio",)),
    "mxf": Container("MXF", ("video", "audio")),
    "gxf": Container("GXF", ("video", "audio")),
    "wtv": Container("Windows TV", ("video", "audio")),
    "realmedia": Container("RealMedia", ("video", "audio")),
    "nut": Container("NUT", ("video", "audio")),
    "ivf": Container("IVF", ("video",)),
    "y4m": Container("YUV4MPEG2", ("video",)),
    "caf": Container("Core Audio", ("audio",)),
    "au": Container("Sun audio", ("audio",)),
    "w64": Container("Sony Wave64", ("audio",)),
    "voc": Container("Creative Voice", ("audio",)),
    "tta": Container("True Audio", ("audio",)),
    "dts": Container("DTS", ("audio",)),
    "h264": Container("H.264", ("video",)),
    "hevc": Container("HEVC", ("video",)),
    "mpegvideo": Container("MPEG-1 and MPEG-2 video", ("video",)),
    "m4v": Container("MPEG-4 part 2 video", ("video",)),
    "vc1": Container("VC-1", ("video",), is_tested=False),
    "obu": Container("AV1", ("video",)),
    "apv": Container("APV", ("video",)),
    "eac3": Container("E-AC-3", ("audio",)),
    "mlp": Container("MLP", ("audio",)),
    "truehd": Container("TrueHD", ("audio",)),
    "latm": Container("AAC (LATM)", ("audio",)),
    "mp2": Container("MPEG audio layers I and II", ("audio",)),
    "dv": Container("DV", ("video", "audio")),
    # without a container
    "dnxhd": Container("DNxHD", ("video",)),
    "h261": Container("H.261", ("video",)),
    "h263": Container("H.263", ("video",)),
    "vvc": Container("VVC", ("video",)),
    "mpjpeg": Container("JPEGs with MIME headers", ("video",)),
    "sbc": Container("SBC", ("audio",)),
    "spdif": Container("S/PDIF", ("audio",)),
    # of games, telephones, recorders and studios
    "adx": Container("CRI ADX", ("audio",)),
    "alp": Container("LEGO Racers audio", ("audio",)),
    "amv": Container("AMV", ("video", "audio")),
    "apm": Container("Ubisoft Rayman 2 audio", ("audio",)),
    "argo_asf": Container("Argonaut Games audio", ("audio",)),
    "ast": Container("Nintendo AST", ("audio",)),
    "film_cpk": Container("Sega FILM", ("video", "audio")),
    "ircam": Container("Berkeley/IRCAM audio", ("audio",)),
    "kvag": Container("Simon & Schuster audio", ("audio",)),
    "mmf": Container("Yamaha SMAF", ("audio",)),
    "oma": Container("OpenMG audio", ("audio",)),
    "pdv": Container("Playdate video", ("video",)),
    "roq": Container("id RoQ", ("video", "audio")),
    "rso": Container("LEGO Mindstorms RSO", ("audio",)),
    "smjpeg": Container("Loki SMJPEG", ("video", "audio")),
    "sox": Container("SoX", ("audio",)),
    "swf": Container("Flash movie", ("video", "audio")),
    "wsaud": Container("Westwood audio", ("audio",)),
    "8svx": Container("IFF 8SVX and MAUD", ("audio",)),
    "ads": Container("PlayStation 2 ADS", ("audio",)),
    "aea": Container("MiniDisc AEA", ("audio",)),
    "apc": Container("Cryo APC", ("audio",)),
    "avr": Container("Audio Visual Research", ("audio",)),
    "bit": Container("G.729 bit file", ("audio",)),
    "derf": Container("Xilam DERF", ("audio",)),
    "dsdiff": Container("DSDIFF", ("audio",)),
    "dsf": Container("DSF", ("audio",)),
    "dtshd": Container("DTS-HD", ("audio",)),
    "epaf": Container("Ensoniq Paris", ("audio",)),
    "flic": Container("FLI and FLC", ("video", "audio")),
    "genh": Container("GENH", ("audio",)),
    "ilbc": Container("iLBC", ("audio",)),
    "msf": Container("PlayStation 3 MSF", ("audio",)),
    "nistsphere": Container("NIST SPHERE", ("audio",)),
    "nsp": Container("Computerized Speech Lab", ("audio",)),
    "nsv": Container("Nullsoft streaming video", ("video", "audio")),
    "nuv": Container("NuppelVideo and MythTV", ("video", "audio")),
    "pva": Container("TechnoTrend PVA", ("video", "audio")),
    "pvf": Container("Portable Voice Format", ("audio",)),
    "qoa": Container("QOA", ("audio",)),
    "rsd": Container("RSD", ("audio",)),
    "ser": Container("SER", ("video",)),
    "siff": Container("Beam SIFF", ("video", "audio")),
    "sol": Container("Sierra SOL", ("audio",)),
    "svag": Container("Konami SVAG", ("audio",)),
    "vag": Container("PlayStation VAG", ("audio",)),
    "vpk": Container("PlayStation 2 VPK", ("audio",)),
    "wve": Container("Psion audio", ("audio",)),
    "hcom": Container("Macintosh HCOM", ("audio",), is_tested=False),
    "mpc8": Container("Musepack 8", ("audio",), is_tested=False),
    "shn": Container("Shorten", ("audio",)),
    "thp": Container("Nintendo THP", ("video", "audio")),
    # of which no test has a file
    "4xm": Container("4X Movie", ("video", "audio"), is_tested=False),
    "acm": Container("Interplay ACM", ("audio",), is_tested=False),
    "anm": Container("Deluxe Paint animation", ("video",), is_tested=False),
    "bethsoftvid": Container("Bethesda VID", ("video", "audio"), is_tested=False),
    "bfi": Container("Brute Force & Ignorance", ("video", "audio"), is_tested=False),
    "bfstm": Container("Nintendo BFSTM and BCSTM", ("audio",), is_tested=False),
    "bink": Container("Bink", ("video", "audio"), is_tested=False),
    "binka": Container("Bink audio", ("audio",), is_tested=False),
    "brstm": Container("Nintendo BRSTM", ("audio",), is_tested=False),
    "dfa": Container("Chronomaster DFA", ("video",), is_tested=False),
    "dsicin": Container("Delphine CIN", ("video", "audio"), is_tested=False),
    "dss": Container("Digital Speech Standard", ("audio",), is_tested=False),
    "dxa": Container("DXA", ("video", "audio"), is_tested=False),
    "ea": Container("Electronic Arts", ("video", "audio"), is_tested=False),
    "fsb": Container("FMOD sample bank", ("audio",), is_tested=False),
    "gdv": Container("Gremlin video", ("video", "audio"), is_tested=False),
    "hca": Container("CRI HCA", ("audio",), is_tested=False),
    "hnm": Container("Cryo HNM", ("video",), is_tested=False),
    "ifv": Container("IFV", ("video", "audio"), is_tested=False),
    "ipmovie": Container("Interplay MVE", ("video", "audio"), is_tested=False),
    "ipu": Container("PlayStation 2 IPU", ("video",), is_tested=False),
    "jv": Container("Bitmap Brothers JV", ("video", "audio"), is_tested=False),
    "lxf": Container("Leitch LXF", ("video", "audio"), is_tested=False),
    "mm": Container("American Laser Games", ("video", "audio"), is_tested=False),
    "mods": Container("MobiClip MODS", ("video", "audio"), is_tested=False),
    "mpc": Container("Musepack", ("audio",), is_tested=False),
    "mtaf": Container("Konami MTAF", ("audio",), is_tested=False),
    "mtv": Container("MTV", ("video", "audio"), is_tested=False),
    "mv": Container("Silicon Graphics movie", ("video", "audio"), is_tested=False),
    "osq": Container("OSQ", ("audio",), is_tested=False),
    "paf": Container("Amazing Studio animation", ("video", "audio"), is_tested=False),
    "pmp": Container("PlayStation Portable PMP", ("video", "audio"), is_tested=False),
    "psxstr": Container("PlayStation STR", ("video", "audio"), is_tested=False),
    "qcp": Container("QCP", ("audio",), is_tested=False),
    "rka": Container("RK Audio", ("audio",), is_tested=False),
    "rl2": Container("RL2", ("video", "audio"), is_tested=False),
    "rpl": Container("ARMovie", ("video", "audio"), is_tested=False),
    "smk": Container("Smacker", ("video", "audio"), is_tested=False),
    "smush": Container("LucasArts Smush", ("video", "audio"), is_tested=False),
    "tak": Container("TAK", ("audio",), is_tested=False),
    "ty": Container("TiVo", ("video", "audio"), is_tested=False),
    "usm": Container("CRI USM", ("video", "audio"), is_tested=False),
    "vc1test": Container("VC-1 test bitstream", ("video",), is_tested=False),
    "vividas": Container("Vividas", ("video", "audio"), is_tested=False),
    "vmd": Container("Sierra VMD", ("video", "audio"), is_tested=False),
    "vqf": Container("TwinVQ", ("audio",), is_tested=False),
    "wc3movie": Container("Wing Commander III movie", ("video", "audio"), is_tested=False),
    "wsd": Container("Wideband Single-bit Data", ("audio",), is_tested=False),
    "wsvqa": Container("Westwood VQA", ("video", "audio"), is_tested=False),
    "xa": Container("Maxis XA", ("audio",), is_tested=False),
    "xmv": Container("Xbox XMV", ("video", "audio"), is_tested=False),
    "xvag": Container("PlayStation 3 XVAG", ("audio",), is_tested=False),
    "xwma": Container("xWMA", ("audio",), is_tested=False),
    "jpeg": Container("JPEG", ("image",)),
    "png": Container("PNG and APNG", ("image",)),
    "gif": Container("GIF", ("image",)),
    "webp": Container("WebP", ("image",)),
    "tiff": Container("TIFF", ("image",)),
    "bmp": Container("BMP", ("image",)),
    "ico": Container("Icon", ("image",)),
    "icns": Container("macOS icon", ("image",)),
    "netpbm": Container("PBM, PGM and PPM", ("image",)),
    "pcx": Container("PCX", ("image",)),
    "dds": Container("DirectDraw surface", ("image",)),
    "sgi": Container("SGI", ("image",)),
    "qoi": Container("QOI", ("image",)),
    "pfm": Container("PFM", ("image",)),
    "hdr": Container("Radiance HDR", ("image",)),
    "phm": Container("PHM", ("image",)),
    "exr": Container("OpenEXR", ("image",)),
    "targa": Container("Targa", ("image",)),
    "jpeg2000": Container("JPEG 2000", ("image",)),
    "psd": Container("Photoshop", ("image",)),
    "msp": Container("Microsoft Paint 1 and 2", ("image",)),
    "sunrast": Container("Sun raster", ("image",)),
    "xbm": Container("X bitmap", ("image",)),
    "xpm": Container("X pixmap", ("image",)),
    "xwd": Container("X window dump", ("image",)),
    "pam": Container("PAM", ("image",)),
    "pgx": Container("PGX", ("image",)),
    "photocd": Container("Photo CD", ("image",)),
    "pict": Container("QuickDraw picture", ("image",)),
    "pictor": Container("Pictor", ("image",)),
    "gem": Container("GEM raster", ("image",)),
    "vbn": Container("Vizrt image", ("image",)),
    "cri": Container("Cintel raw", ("image",)),
    "jpegls": Container("JPEG LS", ("image",)),
    "dpx": Container("DPX", ("image",)),
    "ilbm": Container("IFF ILBM and PBM", ("image",)),
    "fits": Container("FITS", ("image",)),
    "brender": Container("BRender PIX", ("image",)),
    "txd": Container("RenderWare TXD", ("image",)),
    "dng": Container("Adobe DNG", ("image",)),
    "cr2": Container("Canon CR2", ("image",), is_tested=False),
    "cr3": Container("Canon CR3", ("image",), is_tested=False),
    "nef": Container("Nikon NEF", ("image",)),
    "arw": Container("Sony ARW", ("image",)),
    "jpegxl": Container("JPEG XL", ("image",)),
    "avif": Container("AVIF", ("image",)),
    "heif": Container("HEIF", ("image",)),
}


def conversion_matrix(allowed_pairs: frozenset[Pair] = frozenset()) -> list[dict[str, Any]]:
    """The JSON of `GET /formats`: for each container the kinds it can hold, and which formats each can become."""
    return [
        {
            "container": name,
            "label": container.label,
            "tested": container.is_tested,
            "inputs": [
                {"kind": kind, "outputs": [_matrix_cell(kind, name, output, allowed_pairs) for output in FORMATS]}
                for kind in KINDS
                if kind in container.kinds
            ],
        }
        for name, container in CONTAINERS.items()
    ]


def _matrix_cell(kind: Kind, container: str, output: Format, allowed_pairs: frozenset[Pair]) -> dict[str, Any]:
    target = FORMATS[output].kind
    wrong_kind = None if target in OUTPUT_KINDS[kind] else kinds_message(kind, target)
    reason = wrong_kind or refused_reason((container, output), allowed_pairs)
    return {"kind": target, "format": output, "allowed": reason is None, "reason": reason}


def refused_reason(pair: Pair, allowed_pairs: frozenset[Pair]) -> str | None:
    return None if pair in allowed_pairs else REFUSED_PAIRS.get(pair)


def kinds_message(kind: Kind, target: Kind) -> str:
    return f"{_SUBJECTS[kind]} cannot become {_OBJECTS[target]}."


_SUBJECTS: dict[Kind, str] = {"video": "A video", "audio": "Audio", "image": "An image"}
_OBJECTS: dict[Kind, str] = {"video": "a video", "audio": "audio", "image": "an image"}
