"""The error code that each broken file of the corpus ends with."""

# The codes that a broken file may end with. Those in CODES must have theirs; others may also be readable.
ERROR_CODES = {"input_unreadable", "input_truncated", "input_limits_exceeded", "output_invalid", "encoder_failed"}
CODES = {
    "zero-bytes.webm": "input_unreadable",
    "truncated.png": "input_truncated",
    "truncated.jpg": "input_truncated",
    "broken.png": "input_unreadable",
    "bomb-65535x66601.gif": "input_limits_exceeded",
    "bomb-64250x64250.jpg": "input_limits_exceeded",
    "bomb-40000-frames.gif": "input_limits_exceeded",
    "bomb-268MP-16383x16383.png": "input_limits_exceeded",
    "bomb-3000000x2000000.bmp": "input_limits_exceeded",
    "large-280MP-20000x14000.jpg": "input_limits_exceeded",
    "postscript-named.jpg": "input_unreadable",
    "mvg-named.jpg": "input_unreadable",
    "hls-playlist-named.avi": "input_unreadable",
    "text-named.mp4": "input_unreadable",
    "mxf-named.mp4": "input_truncated",
    "not-audio.mp3": "input_unreadable",
    "vp9-invalid-bitstream.webm": "input_unreadable",
    "drm-widevine.mp4": "input_unreadable",
    "segfault.wav": "input_unreadable",
    "zero-channels.wav": "input_unreadable",
    "quicktime-mjpeg-cut.mov": "input_truncated",
    "corrupted.heic": "input_unreadable",
    "fuzz-mov.mov": "input_unreadable",
    "flac-blocksize-1.flac": "input_unreadable",
}
READABLE = {"jpeg-named.heic", "webp-named.jpeg", "mpegts-named.mp4", "vvc-unsupported.mp4"}


def is_expected(name: str, code: str | None) -> bool:
    """Whether the file may end with this code; None if it is converted."""
    if name in READABLE:
        return code is None
    return code == CODES[name] if name in CODES else code is None or code in ERROR_CODES
