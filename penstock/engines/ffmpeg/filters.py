"""The filter graphs between a video's decoder and an encoder, built with ffmpeg-python."""

from typing import Any

import ffmpeg

from penstock.domain.media import Size, VideoStream
from penstock.domain.planning import quality as scales
from penstock.domain.planning.frame_rate import cut_fps
from penstock.domain.planning.plan import Cut, Framing, GifPlan
from penstock.engines.probing import colors

# The luminance that becomes white before highlights are compressed. With 150 outputs are as bright as a browser shows
# the HDR originals; with the usual 100 they are brighter by up to a sixth.
_WHITE_NITS = 150
# PQ and HLG to BT.709. Float between the two `zscale`s, against banding; 4:4:4, because `zscale` rejects odd sizes with
# subsampled chroma.
_TONE_MAP: tuple[tuple[str, dict[str, Any]], ...] = (
    ("format", {"pix_fmts": "yuv444p10le"}),
    ("zscale", {"t": "linear", "npl": _WHITE_NITS}),
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"p": "bt709"}),
    ("tonemap", {"tonemap": "hable", "desat": 0}),
    ("zscale", {"t": "bt709", "m": "bt709", "r": "tv"}),
)

# Without chroma subsampling: with it, `crop` and `pad` round odd sizes to even ones.
_FULL_CHROMA_FORMATS = "yuv444p|yuva444p|rgb24|rgba"

# `palettegen=stats_mode=diff` counts the pixels of a frame that the next frame changes. A frame of this unused color
# after the last one makes the last frame count.
_SENTINEL_COLOR = "0x12e56a"

# Matroska stores milliseconds: timestamps that differ by less are equal.
TIMESTAMP_TOLERANCE_SECONDS = 0.001


def constant_rate_for_cut(source: Any, stream: VideoStream, start: float) -> Any:
    """A constant frame rate from the start of the cut on. Without it, the frame on screen at that time would be lost,
    because it began before, and a video that starts later would have no frame there."""
    return constant_rate(source, str(cut_fps(stream)), start)


def constant_rate(source: Any, fps: str, start: float) -> Any:
    """Frames at this rate from `start` (s) on: each output frame is the nearest input frame, the earlier of two."""
    exact = source.filter("settb", "AVTB")
    resampled = exact.filter("fps", fps, start_time=f"{start - TIMESTAMP_TOLERANCE_SECONDS:.6f}")
    # In a time base of whole frames the first timestamp would be off by up to half a frame.
    return resampled.filter("settb", "AVTB").filter("setpts", f"PTS-STARTPTS+{round(start * 1_000_000)}")


def extended_to(source: Any, seconds: float) -> Any:
    """Repeats the last frame until `seconds`."""
    return last_frame_repeated(source).filter("trim", end=f"{seconds:.6f}")


def last_frame_repeated(source: Any) -> Any:
    """Repeats the last frame without end."""
    return source.filter("tpad", stop_mode="clone", stop=-1)


def shifted(source: Any, zero: float) -> Any:
    """Timestamps minus `zero` (s), in microseconds: in a coarse time base half a frame would be lost."""
    return source.filter("settb", "AVTB").filter("setpts", f"PTS-{round(zero * 1_000_000)}")


def video_filters(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """For a video: progressive, scaled, BT.709 or BT.601, square pixels, opaque. The decoder has already rotated it."""
    frames = _flattened(_base_filters(source, stream, framing, "bicubic"), stream, framing)
    return _with_colors(frames, colors.colors_after_rgb(stream))


def video_filters_with_alpha(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """The same for a format that stores transparency."""
    frames = _base_filters(source, stream, framing, "bicubic").filter("format", "yuva420p")
    return _with_colors(frames, colors.colors_after_rgb(stream))


def still_filters(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """For one frame that becomes an image."""
    frame = _base_filters(source, stream, framing, "lanczos+accurate_rnd+full_chroma_int")
    rgb = frame.filter("format", "rgba" if stream.alpha else "rgb24")
    # The pixels are displayed as sRGB. A PNG that declared the video's transfer function would be converted again.
    return rgb.filter("setparams", color_primaries="bt709", color_trc="iec61966-2-1")


def cover_filters(source: Any, size: Size, start: float) -> Any:
    """For cover art. Its timestamp is `start` in whole microseconds, as that of the cut: else it would be cut off."""
    timed = source.filter("settb", "AVTB").filter("setpts", round(start * 1_000_000))
    scaled = timed.filter("scale", size.width, size.height, flags="lanczos")
    return scaled.filter("format", "yuvj420p").filter("setsar", 1)


def gif_filters(source: Any, stream: VideoStream, plan: GifPlan, cut: Cut) -> Any:
    """For a GIF: its frame rate, and one palette for what moves.

    `paletteuse` needs the palette, which `palettegen` returns after the last frame, and buffers all frames until then.
    So the cut is made by a filter, not at the output: nothing after it is decoded or buffered."""
    frames = _trimmed(constant_rate(source, f"{plan.fps:g}", cut.start), cut)
    copies = _base_filters(frames, stream, plan.framing, "lanczos").filter_multi_output("split")
    max_colors = int(scales.encoder_setting("gif_film", plan.quality))
    with_sentinel = copies[0].filter("tpad", stop=1, color=_SENTINEL_COLOR)
    palette = with_sentinel.filter("palettegen", stats_mode="diff", max_colors=max_colors)
    dither = _dither_options(scales.ffmpeg_dither(plan.quality))
    return ffmpeg.filter([copies[1], palette], "paletteuse", **dither, diff_mode="rectangle")


def _trimmed(source: Any, cut: Cut) -> Any:
    if cut == Cut():
        return source
    end = {} if cut.seconds is None else {"end": f"{cut.start + cut.seconds:.6f}"}
    return source.filter("trim", start=f"{cut.start:.6f}", **end).filter("setpts", "PTS-STARTPTS")


def _base_filters(source: Any, stream: VideoStream, framing: Framing, flags: str) -> Any:
    """Default colors, deinterlacing, scaling, color conversion, crop or pad."""
    frames = _with_colors(_at_first_size(source, stream), colors.default_colors(stream))
    if stream.interlaced:
        frames = frames.filter("bwdif", mode="send_frame", deint="interlaced")
    color_range = {"out_range": "tv"} if stream.full_range else {}
    frames = frames.filter("scale", framing.scaled.width, framing.scaled.height, flags=flags, **color_range)
    if stream.is_hdr:
        frames = _tone_mapped(frames, stream)
    elif stream.has_wide_gamut and stream.pixel_format.startswith("yuv") and not stream.alpha:
        frames = _to_bt709(frames)
    return _cropped_or_padded(frames, framing).filter("setsar", 1)


def _at_first_size(source: Any, stream: VideoStream) -> Any:
    """Frames of another size than the first are fitted into it, as in players, and not distorted."""
    if not stream.resized:
        return source
    width, height = (max(2, side - side % 2) for side in (stream.shown.width, stream.shown.height))
    new_width, new_height = f"min({width},{height}*iw*sar/ih)", f"min({height},{width}*ih/iw/sar)"
    fitted = source.filter("scale", f"max(2,trunc({new_width}+0.5))", f"max(2,trunc({new_height}+0.5))", eval="frame")
    return fitted.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2", eval="frame").filter("setsar", 1)


def _with_colors(frames: Any, properties: colors.ColorOptions) -> Any:
    return frames.filter("setparams", **properties) if properties else frames


def _tone_mapped(frames: Any, stream: VideoStream) -> Any:
    to_444, linearize, *rest = _TONE_MAP
    defaults = {} if stream.primaries else {"pin": "bt2020", "min": "bt2020nc"}
    frames = frames.filter(to_444[0], **to_444[1]).filter(linearize[0], **linearize[1], **defaults)
    for name, options in rest:
        frames = frames.filter(name, **options)
    return frames.filter("format", "yuv444p")


def _to_bt709(frames: Any) -> Any:
    """From BT.2020 or P3 in standard dynamic range."""
    bt709 = {"p": "bt709", "t": "bt709", "m": "bt709", "r": "tv"}
    return frames.filter("format", "yuv444p10le").filter("zscale", **bt709).filter("format", "yuv444p")


def _cropped_or_padded(frames: Any, framing: Framing) -> Any:
    """Around the center, where the scaled frame is not the whole output."""
    scaled, size = framing.scaled, framing.size
    if scaled != size and (size.width % 2 or size.height % 2):
        frames = frames.filter("format", _FULL_CHROMA_FORMATS)
    if scaled.width > size.width or scaled.height > size.height:
        frames = frames.filter("crop", min(scaled.width, size.width), min(scaled.height, size.height))
    if scaled.width < size.width or scaled.height < size.height:
        color = framing.background.replace("#", "0x")
        frames = frames.filter("pad", size.width, size.height, "(ow-iw)/2", "(oh-ih)/2", color=color)
    return frames


def _flattened(frames: Any, stream: VideoStream, framing: Framing) -> Any:
    """On the background color. It is drawn on a copy of the frames, so that both have the same timestamps."""
    if stream.alpha:
        copies = frames.filter_multi_output("split")
        color = framing.background.replace("#", "0x")
        background = copies[0].filter("drawbox", 0, 0, "iw", "ih", color=color, t="fill", replace=1)
        frames = ffmpeg.filter([background, copies[1]], "overlay", format="auto")
    return frames.filter("format", "yuv420p")


def _dither_options(setting: str) -> dict[str, str]:
    """The options of `paletteuse` for a setting such as `bayer:bayer_scale=5`."""
    name, _, scale = setting.partition(":")
    return {"dither": name, **({"bayer_scale": scale.partition("=")[2]} if scale else {})}
