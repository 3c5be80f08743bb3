"""The `FileFacts` of a probed file: an upload or an output."""

import hashlib
from pathlib import Path

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.task import FileFacts
from penstock.engines.probing.media_limits import bitrate_of
from penstock.sandbox.supervise import NoWatch, Watch

_BLOCK_BYTES = 1 << 20


def file_facts(path: Path, media: Media, watch: Watch | None = None) -> FileFacts:
    """Kind, format, MIME type, size, SHA-256, codecs, duration, bitrate, dimensions. Raises `Cancelled`."""
    name = media.container
    return FileFacts(
        kind=media.kind,
        format=name,
        type=_MIMES.get((name, media.kind)) or _MIMES.get((name, None)) or f"{media.kind}/{name}",
        filesize=path.stat().st_size,
        sha256=_sha256(path, watch or NoWatch()),
        codecs=_codecs(media),
        duration=_rounded(_duration(media)),
        bitrate=_bitrate(path, media),
        **_image_or_video_facts(media),  # type: ignore[arg-type]
    )


_MIMES: dict[tuple[str, str | None], str] = {
    ("mp4", None): "video/mp4",
    ("mp4", "audio"): "audio/mp4",
    ("m4a", None): "audio/mp4",
    ("mov", None): "video/quicktime",
    ("3gp", None): "video/3gpp",
    ("matroska", None): "video/x-matroska",
    ("matroska", "audio"): "audio/x-matroska",
    ("avi", None): "video/x-msvideo",
    ("flv", None): "video/x-flv",
    ("mpegts", None): "video/mp2t",
    ("asf", None): "video/x-ms-asf",
    ("asf", "audio"): "audio/x-ms-wma",
    ("mp3", None): "audio/mpeg",
    ("mxf", None): "application/mxf",
    ("realmedia", None): "application/vnd.rn-realmedia",
    ("caf", None): "audio/x-caf",
    ("au", None): "audio/basic",
    ("dts", None): "audio/vnd.dts",
    ("h264", None): "video/h264",
    ("hevc", None): "video/h265",
    ("mpegvideo", None): "video/mpeg",
    ("m4v", None): "video/mp4v-es",
    ("obu", None): "video/av1",
    ("dv", None): "video/dv",
    ("eac3", None): "audio/eac3",
    ("latm", None): "audio/mp4a-latm",
    ("mp2", None): "audio/mpeg",
    ("jpeg2000", None): "image/jp2",
    ("ico", None): "image/vnd.microsoft.icon",
    ("netpbm", None): "image/x-portable-anymap",
    ("pcx", None): "image/vnd.zbrush.pcx",
    ("dds", None): "image/vnd.ms-dds",
    ("sgi", None): "image/x-sgi",
    ("dng", None): "image/x-adobe-dng",
    ("cr2", None): "image/x-canon-cr2",
    ("cr3", None): "image/x-canon-cr3",
    ("nef", None): "image/x-nikon-nef",
    ("arw", None): "image/x-sony-arw",
    ("jpegxl", None): "image/jxl",
    ("pfm", None): "image/x-portable-floatmap",
    ("hdr", None): "image/vnd.radiance",
    ("exr", None): "image/x-exr",
    ("targa", None): "image/x-tga",
    ("phm", None): "image/x-portable-halfmap",
    ("sunrast", None): "image/x-sun-raster",
    ("xbm", None): "image/x-xbitmap",
    ("xpm", None): "image/x-xpixmap",
    ("xwd", None): "image/x-xwindowdump",
    ("pam", None): "image/x-portable-arbitrarymap",
    ("photocd", None): "image/x-photo-cd",
    ("pict", None): "image/x-pict",
    ("jpegls", None): "image/jls",
    ("psd", None): "image/vnd.adobe.photoshop",
    ("ilbm", None): "image/x-ilbm",
    **{
        (name, None): f"image/x-{name}"
        for name in ("pgx", "pictor", "gem", "vbn", "cri", "dpx", "brender", "txd", "msp")
    },
}


def _sha256(path: Path, watch: Watch) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            if watch.stopped():
                raise errors.Cancelled("The task was cancelled.")
    return digest.hexdigest()


def _codecs(media: Media) -> str | None:
    streams = [stream.codec for stream in (media.video, media.audio) if stream]
    return ",".join(streams) or None


def _duration(media: Media) -> float | None:
    return media.image.duration if media.image else media.duration


def _bitrate(path: Path, media: Media) -> int | None:
    return bitrate_of(path.stat().st_size, _duration(media))


def _image_or_video_facts(media: Media) -> dict[str, float | int | None]:
    size = media.shown
    sides = {"width": size.width, "height": size.height} if size else {}
    if media.video:
        return {**sides, "fps": _rounded(media.video.fps), "frames": media.video.frames}
    if media.image and media.image.frames > 1 and media.image.duration:
        fps = media.image.frames / media.image.duration
        return {**sides, "fps": _rounded(fps), "frames": media.image.frames}
    return {**sides, **({"frames": media.image.frames} if media.image else {})}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
