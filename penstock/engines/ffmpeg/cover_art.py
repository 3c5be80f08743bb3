"""Cover art: as an attached picture, and in Ogg as a comment.

An Ogg file has no attached pictures. It stores a FLAC picture block (RFC 9639 §8.8), in base64, as the comment
METADATA_BLOCK_PICTURE (https://wiki.xiph.org/VorbisComment#METADATA_BLOCK_PICTURE). ffmpeg cannot make that block; it
reads it from an `ffmetadata` file.
"""

import base64
import struct
from typing import Any

import ffmpeg

from penstock.domain.media import Size
from penstock.domain.planning.plan import AudioPlan, CoverPlan, Cut, GifPlan, VideoPlan
from penstock.engines.ffmpeg import filters
from penstock.engines.ffmpeg.arguments import (
    CommandContext,
    compiled,
    for_video_stream,
    output_options,
    restricted_input,
    seek_seconds,
)
from penstock.engines.ffmpeg.encoders import Options

_ENCODER: Options = {"c": "mjpeg", "q": 2}
# ID3 and FLAC take the type of the picture from the stream's comment.
_ATTACHED: Options = {"disposition": "attached_pic", "metadata:s": "comment=Cover (front)"}
_COMMENTS_INPUT: Options = {"protocol_whitelist": "file", "format_whitelist": "ffmetadata", "f": "ffmetadata"}
_FRONT_COVER, _MIME, _BITS_PER_PIXEL = 3, b"image/jpeg", 24


def ogg_cover(plan: VideoPlan | AudioPlan | GifPlan) -> CoverPlan | None:
    """The cover to write to `CommandContext.comments` before the conversion runs; None for other formats than Ogg."""
    return plan.cover if isinstance(plan, AudioPlan) and plan.format == "ogg" else None


def cover_command(plan: CoverPlan, context: CommandContext) -> list[str]:
    """The argument list that writes the cover to a JPEG file."""
    options = {**output_options("image2pipe", {}, Cut(), context), **for_video_stream(0, _ENCODER), "frames:v": 1}
    return compiled(ffmpeg.output(cover_stream(plan, Cut(), context), f"file:{context.target}", **options), context)


def cover_stream(plan: CoverPlan, cut: Cut, context: CommandContext) -> Any:
    """The cover. It has an input of its own: after a seek in the other one it would be missing."""
    start = cut.start - seek_seconds(cut, context.media)
    return filters.cover_filters(restricted_input(context, {}, 0.0)[str(plan.index)], plan.size, start)


def attached_picture(number: int) -> Options:
    """The options that make the output's video stream of this number its cover."""
    return for_video_stream(number, _ENCODER | _ATTACHED)


def comments_input(context: CommandContext) -> Any:
    """The `ffmetadata` file with the cover, as an input."""
    return ffmpeg.input(f"file:{context.comments}", **_COMMENTS_INPUT)


def ffmetadata(jpeg: bytes, size: Size) -> str:
    """An `ffmetadata` file with this cover as its only comment."""
    encoded = base64.b64encode(_picture_block(jpeg, size)).decode().replace("=", "\\=")
    return f";FFMETADATA1\nMETADATA_BLOCK_PICTURE={encoded}\n"


def _picture_block(jpeg: bytes, size: Size) -> bytes:
    """Type, MIME type, no description, width, height, color depth, no palette, length, data."""
    start = struct.pack(">II", _FRONT_COVER, len(_MIME)) + _MIME
    return start + struct.pack(">6I", 0, size.width, size.height, _BITS_PER_PIXEL, 0, len(jpeg)) + jpeg
