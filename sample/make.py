"""Makes `clip.mov`, the small film of the README's first command: `uv run python sample/make.py`."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

CLIP = Path(__file__).with_name("clip.mov")
PICTURE = "gradients=size=1920x1080:rate=25:duration=6:nb_colors=4:seed=7:speed=0.02"
DISC = "geq=lum=235:cb=128:cr=128:a='255*lt(hypot(X-80,Y-80),76)'"
BALL = f"color=white:size=160x160:rate=25:duration=6,format=yuva420p,{DISC}"
FALL = "overlay=x='960-80+700*sin(t*PI/3)':y='860-720*abs(sin(t*PI*0.75))'"
SOUND = (
    "aevalsrc=exprs='0.3*sin(2*PI*t*(220+110*floor(mod(t*2\\,4))))*exp(-4*mod(t*2\\,1))':duration=6:sample_rate=44100"
)


def main() -> None:
    sources = [word for source in (PICTURE, BALL, SOUND) for word in ("-f", "lavfi", "-i", source)]
    graph = ["-filter_complex", f"[0][1]{FALL},format=yuv420p[picture]", "-map", "[picture]", "-map", "2"]
    video = ["-c:v", "libx264", "-preset", "veryslow", "-crf", "25", "-g", "50"]
    audio = ["-c:a", "aac", "-b:a", "64k", "-metadata", "title=A ball"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *sources, *graph, *video, *audio, str(CLIP)]
    subprocess.run([*command[:-1], "-fflags", "+bitexact", str(CLIP)], check=True)


if __name__ == "__main__":
    main()
