"""What is done to a picture between its decoder and its encoder, as a graph of ffmpeg's filters."""

from typing import Any

import ffmpeg

from penstock.domain.media import Size, VideoStream
from penstock.domain.planning import quality as scales
from penstock.domain.planning.frame_rate import cut_fps
from penstock.domain.planning.plan import Cut, Framing, GifPlan
from penstock.domain.planning.stream_copy import HDR_TRANSFERS, has_wide_gamut
from penstock.engines.probing import colors

# What is as bright as this comes out as white before the highlights are bent: with it, films are as light as a browser
# shows the originals; with the 100 that is usual they are brighter by up to a sixth.
_WHITE_NITS = 150
# Brings PQ and HLG down to what every screen shows; float in between, so that nothing bands. No chroma is halved in
# here: zscale refuses that for odd sides.
_TONE_MAP: tuple[tuple[str, dict[str, Any]], ...] = (
    ("format", {"pix_fmts": "yuv444p10le"}),
    ("zscale", {"t": "linear", "npl": _WHITE_NITS}),
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"p": "bt709"}),
    ("tonemap", {"tonemap": "hable", "desat": 0}),
    ("zscale", {"t": "bt709", "m": "bt709", "r": "tv"}),
)

# Where no colour is halved: where it is, `crop` and `pad` make odd sides even.
_WHOLE_COLOUR = "yuv444p|yuva444p|rgb24|rgba"

# Palettes are made of what the next frame replaces, so that one has to come after the last: of a colour nothing has.
_SELDOM = "0x12e56a"


# Within that, two frames are as near: Matroska counts milliseconds.
TIED_SECONDS = 0.001


def cuttable(source: Any, stream: VideoStream, start: float) -> Any:
    """At an even pace and from the very start of the cut: else the frame on screen then, which began before it, would
    be lost, and a picture that starts late would have nothing to cut."""
    return paced(source, str(cut_fps(stream)), start)


def lasting(source: Any, seconds: float) -> Any:
    """For codecs that send nothing while nothing changes: the last frame stands until the length is full."""
    return standing(source).filter("trim", end=f"{seconds:.6f}")


def standing(source: Any) -> Any:
    """The last frame stays for ever."""
    return source.filter("tpad", stop_mode="clone", stop=-1)


def placed(source: Any, zero: float) -> Any:
    """Frames timed from so many seconds on, to the microsecond: a clock as coarse as they are loses half of one."""
    return source.filter("settb", "AVTB").filter("setpts", f"PTS-{round(zero * 1_000_000)}")


def paced(source: Any, pace: str, start: float) -> Any:
    """At so many frames a second from `start` (s) on, each as near its own time as that allows, the earlier of two as
    near."""
    exact = source.filter("settb", "AVTB")
    counted = exact.filter("fps", pace, start_time=f"{start - TIED_SECONDS:.6f}").filter("settb", "AVTB")
    # Counted in frames, the first would be told early or late by up to half of one.
    return counted.filter("setpts", f"PTS-STARTPTS+{round(start * 1_000_000)}")


def moving(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """For a video: upright (the decoder's part), progressive, sized, in common colours, with square pixels."""
    return _told(_opaque(_pictured(source, stream, framing, "bicubic"), stream, framing), colors.made_of_rgb(stream))


def moving_with_alpha(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """The same for a format that keeps transparency."""
    picture = _pictured(source, stream, framing, "bicubic").filter("format", "yuva420p")
    return _told(picture, colors.made_of_rgb(stream))


def still(source: Any, stream: VideoStream, framing: Framing) -> Any:
    """For one frame, on its way to a picture."""
    picture = _pictured(source, stream, framing, "lanczos+accurate_rnd+full_chroma_int")
    pixels = picture.filter("format", "rgba" if stream.alpha else "rgb24")
    # Its colours are a screen's by now; a PNG that told of the film's would have them changed once more.
    return pixels.filter("setparams", color_primaries="bt709", color_trc="iec61966-2-1")


def cover(source: Any, size: Size, start: float) -> Any:
    """For the picture that goes with a sound or a film: it is there from `start` seconds on, the first that are kept.
    In whole microseconds, as the cut is: a frame but a hair too early would be cut away."""
    placed = source.filter("settb", "AVTB").filter("setpts", round(start * 1_000_000))
    shown = placed.filter("scale", size.width, size.height, flags="lanczos")
    return shown.filter("format", "yuvj420p").filter("setsar", 1)


def animated(source: Any, stream: VideoStream, plan: GifPlan, cut: Cut) -> Any:
    """For a gif: at its own pace, with the best palette for what moves. The palette comes after the last frame, and
    all frames wait for it: so the cut is made here, not at the output, and nothing beyond it is decoded or held."""
    moved = _stretch(paced(source, f"{plan.fps:g}", cut.start), cut)
    copies = _pictured(moved, stream, plan.framing, "lanczos").filter_multi_output("split")
    most = int(scales.encoder_setting("gif_film", plan.quality))
    followed = copies[0].filter("tpad", stop=1, color=_SELDOM)
    palette = followed.filter("palettegen", stats_mode="diff", max_colors=most)
    used = {"dither": scales.ffmpeg_dither(plan.quality), "diff_mode": "rectangle"}
    return ffmpeg.filter([copies[1], palette], "paletteuse", **_spelt(used))


def _stretch(source: Any, cut: Cut) -> Any:
    if cut == Cut():
        return source
    end = {} if cut.seconds is None else {"end": f"{cut.start + cut.seconds:.6f}"}
    return source.filter("trim", start=f"{cut.start:.6f}", **end).filter("setpts", "PTS-STARTPTS")


def _pictured(source: Any, stream: VideoStream, framing: Framing, flags: str) -> Any:
    picture = _told(_steady(source, stream), colors.untold(stream))
    if stream.interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    ranged = {"out_range": "tv"} if stream.full_range else {}
    picture = picture.filter("scale", framing.scaled.width, framing.scaled.height, flags=flags, **ranged)
    if stream.transfer in HDR_TRANSFERS:
        picture = _tone_mapped(picture, stream)
    elif has_wide_gamut(stream) and stream.pixel_format.startswith("yuv") and not stream.alpha:
        picture = _narrowed(picture)
    return _placed(picture, framing).filter("setsar", 1)


def _steady(source: Any, stream: VideoStream) -> Any:
    """Frames of another size or shape than the first are fitted into its, as players do, and not squashed."""
    if not stream.resized:
        return source
    width, height = (max(2, side - side % 2) for side in (stream.shown.width, stream.shown.height))
    across, down = f"min({width},{height}*iw*sar/ih)", f"min({height},{width}*ih/iw/sar)"
    fitted = source.filter("scale", f"max(2,trunc({across}+0.5))", f"max(2,trunc({down}+0.5))", eval="frame")
    return fitted.filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2", eval="frame").filter("setsar", 1)


def _told(picture: Any, names: colors.Colours) -> Any:
    return picture.filter("setparams", **names) if names else picture


def _tone_mapped(picture: Any, stream: VideoStream) -> Any:
    whole, first, *rest = _TONE_MAP
    untold = {} if stream.primaries else {"pin": "bt2020", "min": "bt2020nc"}
    picture = picture.filter(whole[0], **whole[1]).filter(first[0], **first[1], **untold)
    for name, options in rest:
        picture = picture.filter(name, **options)
    return picture.filter("format", "yuv444p")


def _narrowed(picture: Any) -> Any:
    """Rec. 2020 and P3 in the colours of BT.709."""
    narrow = {"p": "bt709", "t": "bt709", "m": "bt709", "r": "tv"}
    return picture.filter("format", "yuv444p10le").filter("zscale", **narrow).filter("format", "yuv444p")


def _placed(picture: Any, framing: Framing) -> Any:
    """Cropped or padded about the centre, where the scaled picture is not the whole output."""
    scaled, size = framing.scaled, framing.size
    if scaled != size and (size.width % 2 or size.height % 2):
        picture = picture.filter("format", _WHOLE_COLOUR)
    if scaled.width > size.width or scaled.height > size.height:
        picture = picture.filter("crop", min(scaled.width, size.width), min(scaled.height, size.height))
    if scaled.width < size.width or scaled.height < size.height:
        colour = framing.background.replace("#", "0x")
        picture = picture.filter("pad", size.width, size.height, "(ow-iw)/2", "(oh-ih)/2", color=colour)
    return picture


def _opaque(picture: Any, stream: VideoStream, framing: Framing) -> Any:
    """Flattened on the background. It is painted over a copy of the frames themselves, so that it keeps their time."""
    if stream.alpha:
        copies = picture.filter_multi_output("split")
        colour = framing.background.replace("#", "0x")
        behind = copies[0].filter("drawbox", 0, 0, "iw", "ih", color=colour, t="fill", replace=1)
        picture = ffmpeg.filter([behind, copies[1]], "overlay", format="auto")
    return picture.filter("format", "yuv420p")


def _spelt(options: dict[str, str]) -> dict[str, str]:
    """`bayer:bayer_scale=5` is two options in one word of the table."""
    name, _, more = options["dither"].partition(":")
    scale = {"bayer_scale": more.partition("=")[2]} if more else {}
    return {**options, "dither": name, **scale}
