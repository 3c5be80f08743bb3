"""Tiny real files, each made by ffmpeg or Pillow when a test first asks for it, and then kept for the session."""

import subprocess
from pathlib import Path

import pillow_jxl.JpegXLImagePlugin  # noqa: F401 - writes `.jxl`
from PIL import Image

from penstock.engines import bundled_ffmpeg

SECONDS = 1
VIDEO = ("-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=25:duration={SECONDS}")
TONE = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}")
AV = (*VIDEO, *TONE)
PAL = (*AV, "-vf", "scale=720:576")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-profile:v", "main")
HDR = "hdr-opt=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none"
WIDE = f"color=0xc83228:size=160x120:rate=10:duration={SECONDS},format=gbrp,zscale=pin=bt709:tin=bt709:t=bt709:r=tv"
UNDECLARED_COLORS = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown"

# The ffmpeg arguments that make each file; `{name}` is another of these files.
RECIPES: dict[str, tuple[str, ...]] = {
    "clip.mp4": (*AV, *H264, "-c:a", "aac", "-metadata", "title=A clip", "-metadata", "location=+52.5+013.4/"),
    "clip.mov": (*AV, *H264, "-c:a", "pcm_s16le"),
    "clip.mkv": (*AV, *H264, "-c:a", "ac3"),
    "clip.webm": (*AV, "-c:v", "libvpx", "-b:v", "200k", "-c:a", "libvorbis"),
    "vp9.webm": (*AV, "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-c:a", "libopus"),
    "clip.avi": (*AV, "-c:v", "mpeg4", "-vtag", "XVID", "-c:a", "libmp3lame"),
    "clip.flv": (*AV, *H264, "-c:a", "aac"),
    "clip.mpg": (*AV, "-c:v", "mpeg2video", "-c:a", "mp2"),
    "clip.m2ts": (*AV, *H264, "-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-f", "mpegts"),
    "clip.ts": (*AV, *H264, "-c:a", "aac", "-f", "mpegts"),
    "clip.ogv": (*AV, "-c:v", "ffv1", "-c:a", "libvorbis", "-f", "matroska"),
    "clip.wmv": (*AV, "-c:v", "wmv2", "-c:a", "wmav2"),
    "clip.3gp": (*VIDEO, *TONE, "-c:v", "mpeg4", "-c:a", "aac", "-ar", "16000"),
    "clip.mxf": (*AV, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "clip.gxf": (*PAL, "-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "clip.wtv": (*AV, "-c:v", "mpeg2video", "-c:a", "mp2"),
    "clip.rm": (*AV, "-c:v", "rv20", "-s", "176x144", "-c:a", "ac3"),
    "clip.nut": (*AV, "-c:v", "ffv1", "-c:a", "flac"),
    "clip.ivf": (*VIDEO, "-c:v", "libvpx-vp9", "-deadline", "realtime"),
    "clip.y4m": VIDEO,
    "hevc.mp4": (
        *AV,
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none",
        "-c:a",
        "aac",
    ),
    "silent.mp4": (*VIDEO, *H264),
    "late-audio.mkv": (*VIDEO, "-itsoffset", "0.4", *TONE, *H264, "-c:a", "aac"),
    "halves.mp4": (
        *("-f", "lavfi", "-i", f"color=red:size=80x120:rate=10:duration={SECONDS}"),
        *("-f", "lavfi", "-i", f"color=blue:size=80x120:rate=10:duration={SECONDS}"),
        *("-filter_complex", "[0][1]hstack", *H264),
    ),
    "slides.mp4": (
        *("-f", "lavfi", "-i", f"color=red:size=160x120:rate=10:duration={SECONDS}"),
        *("-f", "lavfi", "-i", f"color=blue:size=160x120:rate=10:duration={SECONDS}"),
        *("-filter_complex", "[0][1]concat", *H264),
    ),
    "rotated-halves.mp4": ("-display_rotation", "90", "-i", "{halves.mp4}", "-c", "copy"),
    "rotated.mp4": ("-display_rotation", "90", "-i", "{clip.mp4}", "-c", "copy"),
    "mirrored.mp4": ("-display_hflip", "-display_rotation", "90", "-i", "{clip.mp4}", "-c", "copy"),
    "wide-pixels.mp4": (*VIDEO, "-vf", "setsar=3/2", *H264),
    "interlaced.mp4": (*VIDEO, "-vf", "setfield=tff", *H264, "-flags", "+ildct+ilme", "-x264-params", "tff=1"),
    "variable-rate.mp4": (*VIDEO, "-vf", "select=not(mod(n\\,7))+lt(n\\,5),setpts=PTS", "-fps_mode", "vfr", *H264),
    "accelerating.mp4": (*VIDEO, "-vf", "setpts=if(lt(N\\,9)\\,N/15\\,9/15+(N-9)/20)/TB", "-fps_mode", "vfr", *H264),
    "long-middle-frame.mp4": (*VIDEO, "-vf", "select=lt(n\\,2)+gt(n\\,15)", "-fps_mode", "passthrough", *H264),
    "long-last-frames.mp4": (
        *VIDEO,
        "-vf",
        "setpts=if(lt(N\\,22)\\,N/25\\,22/25+(N-22)*1.5)/TB",
        "-fps_mode",
        "vfr",
        *H264,
    ),
    "offset-timestamps.mkv": (
        *(*AV, "-vf", "settb=1/1000,setpts=PTS+21"),
        *("-fps_mode", "passthrough", "-enc_time_base", "filter", *H264, "-c:a", "flac"),
    ),
    "broadcast.mkv": (*AV, "-vf", "scale=640:480", *H264, "-c:a", "aac", "-live", "1", "-f", "matroska"),
    "anamorphic.avi": (*VIDEO, "-vf", "setsar=3/2", "-c:v", "mpeg4"),
    "coarse-timestamps.avi": (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=15:duration=22",
        "-c:v",
        "mpeg4",
        "-q:v",
        "2",
    ),
    "pause.mp4": (*VIDEO, "-vf", "setpts=(N/25+gt(N\\,19))/TB", "-fps_mode", "vfr", *H264),
    "late-video.mkv": (*TONE, "-itsoffset", "0.6", *VIDEO, *H264, "-c:a", "aac"),
    "damaged-audio.avi": ("-i", "{clip.avi}", "-c", "copy", "-bsf:a", "noise=amount=if(lt(n\\,4)\\,1\\,1000000)"),
    "long-last-frame.mp4": (
        "-i",
        "{silent.mp4}",
        "-c",
        "copy",
        "-bsf:v",
        "setts=duration=if(eq(N\\,24)\\,5/TB\\,DURATION)",
    ),
    "damaged-audio.mka": (*TONE, "-c:a", "flac", "-bsf:a", "noise=amount=1"),
    "slides.mkv": (
        *VIDEO,
        "-vf",
        "setpts=if(lt(N\\,6)\\,N*0.2\\,1+(N-5)*15)/TB,trim=end=45",
        "-fps_mode",
        "vfr",
        *H264,
    ),
    "few-frames.mkv": (*VIDEO, "-vf", "setpts=if(lt(N\\,3)\\,N/25\\,3)/TB,trim=end_frame=4", "-fps_mode", "vfr", *H264),
    "slow.mkv": ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=1/5:duration=40", *H264),
    "transparent-start.webm": (
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"),
        *("-vf", "format=rgba,colorchannelmixer=aa=0:enable='lt(t,1.5)'"),
        *("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-cpu-used", "8"),
    ),
    "alpha.webm": (
        *("-f", "lavfi", "-i", f"color=red@0.5:size=64x64:rate=10:duration={SECONDS},format=yuva420p"),
        *("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"),
    ),
    "odd.webm": (
        *("-f", "lavfi", "-i", f"testsrc=size=161x121:rate=10:duration={SECONDS},format=yuv420p"),
        *("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"),
    ),
    "pixel.mp4": (
        "-f",
        "lavfi",
        "-i",
        f"color=red:size=1x1:rate=2:duration={SECONDS}",
        *H264[:4],
        "-pix_fmt",
        "yuv444p",
    ),
    "undeclared-colors.mp4": (
        *("-f", "lavfi", "-i", f"color=red:size=1280x720:rate=5:duration={SECONDS},format=gbrp"),
        *("-vf", f"scale=out_color_matrix=bt709,format=yuv420p,{UNDECLARED_COLORS}", *H264),
    ),
    "undeclared-colors.webm": (
        *("-f", "lavfi", "-i", f"color=red:size=320x180:rate=5:duration={SECONDS},format=gbrp"),
        *("-vf", f"scale=out_color_matrix=bt601,format=yuv420p,{UNDECLARED_COLORS}", "-c:v", "libvpx", "-b:v", "200k"),
    ),
    "rgb.mkv": ("-f", "lavfi", "-i", f"color=red:size=1280x720:rate=5:duration={SECONDS},format=gbrp", "-c:v", "ffv1"),
    "full-range.avi": (*VIDEO, "-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-c:a", "pcm_s16le"),
    "hdr.mp4": (
        *VIDEO,
        "-pix_fmt",
        "yuv420p10le",
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        HDR,
    ),
    "rec2020.mp4": ("-f", "lavfi", "-i", f"{WIDE}:p=bt2020:m=bt2020nc,format=yuv420p", *H264),
    "p3.mp4": ("-f", "lavfi", "-i", f"{WIDE}:p=smpte432:m=bt709,format=yuv420p", *H264),
    "black-start.mp4": (
        *("-f", "lavfi", "-i", "color=black:size=160x120:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2"),
        *("-filter_complex", "[0][1]concat=n=2", *H264),
    ),
    "slow.mp4": ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1/10:duration=30", *H264),
    "fast.mkv": ("-f", "lavfi", "-i", f"testsrc2=size=64x48:rate=1000:duration={SECONDS}", *H264),
    "small.ts": (*VIDEO, *H264),
    "large.ts": ("-i", "{small.ts}", "-vf", "scale=320:180", *H264, "-output_ts_offset", "1"),
    "long.mp4": (
        *("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=20", *H264),
        *("-g", "50", "-movflags", "+faststart"),
    ),
    "heavy.mp4": (
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=8"),
        *("-f", "lavfi", "-i", "sine=frequency=440:duration=8", *H264, "-crf", "2", "-c:a", "aac"),
    ),
    "long-av.mp4": ("-stream_loop", "31", "-i", "{heavy.mp4}", "-c", "copy"),
    "long-silent.mp4": ("-i", "{long-av.mp4}", "-an", "-c", "copy"),
    "fragments.mp4": ("-i", "{long-av.mp4}", "-c", "copy", "-movflags", "frag_keyframe+empty_moov"),
    "live.mkv": ("-i", "{long-av.mp4}", "-c", "copy", "-live", "1"),
    "heavy-front.mp4": ("-i", "{heavy.mp4}", "-c", "copy", "-movflags", "+faststart"),
    "heavy.mkv": ("-i", "{heavy.mp4}", "-c", "copy"),
    "heavy.avi": ("-i", "{heavy.mp4}", "-c:v", "mpeg4", "-q:v", "2", "-c:a", "libmp3lame"),
    "heavy.ts": ("-i", "{heavy.mp4}", "-c", "copy", "-f", "mpegts"),
    "heavy.wav": ("-f", "lavfi", "-i", "sine=frequency=440:duration=60", "-c:a", "pcm_s24le"),
    "surround.mkv": ("-f", "lavfi", "-i", f"aevalsrc=0.1|0.2|0.3|0.1|0.1|0.1:c=5.1(side):d={SECONDS}", "-c:a", "flac"),
    "tone.mp3": (*TONE, "-c:a", "libmp3lame", "-metadata", "title=A tone", "-metadata", "artist=Sine"),
    "tone.wav": (*TONE, "-c:a", "pcm_s24le"),
    "tone.flac": (*TONE, "-c:a", "flac"),
    "tone.ogg": (*TONE, "-c:a", "libvorbis", "-metadata", "title=A tone"),
    "tone.opus": (*TONE, "-c:a", "libopus"),
    "tone.m4a": (*TONE, "-c:a", "aac", "-f", "ipod"),
    "tone.aac": (*TONE, "-c:a", "aac", "-f", "adts"),
    "tone.aiff": (*TONE, "-c:a", "pcm_s16be"),
    "tone.ac3": (*TONE, "-c:a", "ac3"),
    "tone.wma": (*TONE, "-c:a", "wmav2", "-f", "asf"),
    "tone.wv": (*TONE, "-c:a", "wavpack"),
    "tone.caf": (*TONE, "-c:a", "alac"),
    "tone.au": TONE,
    "tone.w64": TONE,
    "tone.voc": TONE,
    "tone.tta": TONE,
    "tone.dts": (*TONE, "-c:a", "dca", "-strict", "experimental"),
    "tone-8k.wav": (*TONE, "-ar", "8000", "-c:a", "pcm_u8"),
    "covered.mp3": (
        *("-i", "{tone.mp3}", "-i", "{still.jpeg}", "-map", "0", "-map", "1", "-c:a", "copy", "-c:v", "mjpeg"),
        *("-disposition:v", "attached_pic"),
    ),
    "covered.flac": (
        "-i",
        "{covered.mp3}",
        "-map",
        "0",
        "-c:a",
        "flac",
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
    ),
    "covered.m4a": (
        *("-i", "{covered.mp3}", "-map", "0", "-c:a", "aac", "-c:v", "copy", "-disposition:v", "attached_pic"),
        *("-f", "ipod"),
    ),
    "covered.mkv": (
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=50", "-f", "lavfi", "-i", "sine=duration=50"),
        *(*H264, "-c:a", "aac", "-attach", "{still.jpeg}", "-metadata:s:t", "mimetype=image/jpeg"),
    ),
    "covered.mp4": ("-i", "{covered.mkv}", "-map", "0", "-c", "copy", "-t", "2", "-disposition:v:1", "attached_pic"),
    "covered-long.mp3": (
        *("-f", "lavfi", "-i", "sine=frequency=440:duration=50", "-i", "{covered.mp3}", "-map", "0", "-map", "1:v"),
        *("-c:a", "libmp3lame", "-c:v", "copy", "-disposition:v", "attached_pic"),
    ),
    "clip.h264": (*VIDEO, *H264),
    "clip.hevc": (*VIDEO, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "clip.m1v": (*VIDEO, "-c:v", "mpeg1video"),
    "clip.m2v": (*VIDEO, "-c:v", "mpeg2video"),
    "clip.m4v": (*VIDEO, "-c:v", "mpeg4", "-f", "m4v"),
    "clip.obu": (*VIDEO, "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"),
    "clip.apv": (*VIDEO, "-s", "352x288", "-c:v", "apv"),
    "clip.dv": (*AV, "-vf", "scale=720:576", "-pix_fmt", "yuv420p", "-ac", "2"),
    "tone.eac3": (*TONE, "-c:a", "eac3"),
    "tone.mlp": (*TONE, "-c:a", "mlp"),
    "tone.thd": (*TONE, "-c:a", "truehd", "-f", "truehd"),
    "tone.latm": (*TONE, "-c:a", "aac", "-f", "latm"),
    "tone.mp2": (*TONE, "-c:a", "mp2"),
    "light.exr": (*VIDEO, "-frames:v", "1", "-pix_fmt", "gbrpf32le"),
    "light.hdr": (*VIDEO, "-frames:v", "1", "-pix_fmt", "gbrpf32le"),
    "light.pfm": (*VIDEO, "-frames:v", "1", "-pix_fmt", "gbrpf32le"),
    "light.phm": (*VIDEO, "-frames:v", "1", "-pix_fmt", "gbrpf32le"),
    **{
        f"picture.{extension}": (*VIDEO, "-frames:v", "1", "-pix_fmt", pixels)
        for extension, pixels in (
            *(("ras", "bgr24"), ("xbm", "monow"), ("xwd", "rgb24"), ("pam", "rgb24"), ("vbn", "rgba")),
            *(("jls", "rgb24"), ("dpx", "rgb24"), ("fits", "gbrp")),
        )
    },
    "sound-only.mp4": (*TONE, "-c:a", "aac"),
}


class MediaFactory:
    """Makes the files on demand, and returns their paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            if name.startswith(("still", "moving")):
                draw(path)
            else:
                self._encode(path)
        return path

    def _encode(self, path: Path) -> None:
        arguments = [str(self(word[1:-1])) if word.startswith("{") else word for word in RECIPES[path.name]]
        ffmpeg = [str(bundled_ffmpeg()), "-nostdin", "-loglevel", "error", "-threads", "2"]
        subprocess.run([*ffmpeg, *arguments, "-strict", "-2", str(path)], check=True, timeout=60)


def draw(path: Path) -> None:
    """A small image; for a name that begins with `moving`, an animation of four frames of 100 ms."""
    colors = ("#c03020", "#30c020", "#2030c0", "#c0c020")
    frames = [Image.new("RGB", (64, 48), color) for color in colors]
    if path.name.startswith("moving"):
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    else:
        frames[0].save(path)
