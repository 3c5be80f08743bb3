"""The ffmpeg argument list of each plan."""

from dataclasses import replace
from fractions import Fraction

import pytest

from penstock.domain.limits import Limits
from penstock.domain.media import Size
from penstock.domain.planning.planner import plan_for
from penstock.engines.ffmpeg.arguments import CommandContext
from penstock.engines.ffmpeg.commands import conversion_command, frame_command
from tests.domain.facts import AAC, asked, audio, video

GUARDS = ("-protocol_whitelist", "-format_whitelist", "-f", "-codec_whitelist", "-max_pixels", "-max_alloc")


@pytest.mark.parametrize("output", ["mp4", "webm", "mov", "avi"])
def test_every_restriction_comes_before_the_input(output):
    words = _words(asked("video", output), video())
    assert all(words.index(guard) < words.index("-i") for guard in GUARDS)


def test_the_demuxer_is_forced_by_the_detected_container():
    words = _words(asked("video", "mp4"), video("matroska"))
    assert words[words.index("-f") + 1] == _after(words, "-format_whitelist") == "matroska"


def test_paths_have_the_file_protocol():
    words = _words(asked("video", "mp4"), video())
    assert _after(words, "-i") == "file:/room/-input"
    assert words[-1] == "file:/room/output"


def test_the_metadata_of_the_input_is_dropped():
    words = _words(asked("video", "webm"), video())
    assert _after(words, "-map_metadata") == _after(words, "-map_chapters") == "-1"
    assert {"-sn", "-dn"} <= set(words)


def test_a_kept_tag_is_one_argument():
    hostile = "x' -i /etc/passwd ; $(reboot)"
    words = _words(asked("audio", "mp3"), replace(audio(), tags={"title": hostile, "artist": "-y"}))
    assert f"title={hostile}" in words
    assert "artist=-y" in words


def test_exactly_the_planned_streams_are_mapped():
    words = _words(asked("video", "mp4"), video(sound=replace(AAC, index=4)))
    assert [words[place + 1] for place, word in enumerate(words) if word == "-map"] == ["0:0", "0:4"]


def test_a_copy_has_no_filters():
    words = _words(asked("video", "mp4"), video())
    assert "-filter_complex" not in words
    assert _after(words, "-c:v") == _after(words, "-c:a") == "copy"


@pytest.mark.parametrize("output", ["mp4", "mov"])
def test_faststart_is_set(output):
    assert _after(_words(asked("video", output), video()), "-movflags") == "+faststart"


@pytest.mark.parametrize(
    ("change", "filters"),
    [
        ({}, "scale=640:360:flags=bicubic"),
        ({"interlaced": True}, "bwdif=deint=interlaced:mode=send_frame"),
        ({"full_range": True}, "out_range=tv"),
        ({"transfer": "smpte2084", "primaries": "bt2020"}, "tonemap=desat=0:tonemap=hable"),
        ({"transfer": "arib-std-b67"}, "pin=bt2020"),
        ({"sar": Fraction(3, 2)}, "setsar=1"),
        ({"alpha": True}, "overlay=format=auto"),
        ({}, "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709"),
        ({"matrix": "bt709"}, "[0:0]scale=640:360"),
        ({"codec": "vp8"}, "colorspace=smpte170m"),
        ({"pixel_format": "gbrp"}, "setparams=color_primaries=bt709:color_trc=bt709:colorspace=smpte170m"),
    ],
)
def test_frames_are_converted_to_what_plays_everywhere(change, filters):
    graph = _after(_words(asked("video", "mp4", width=640), video(**change)), "-filter_complex")
    assert filters in graph
    assert "format=yuv420p" in graph


def test_tone_mapping_comes_after_scaling():
    graph = _after(_words(asked("video", "mp4", width=640), video(transfer="smpte2084")), "-filter_complex")
    assert graph.index("scale=640") < graph.index("zscale")


def test_transparency_is_decoded_and_kept_in_webm():
    words = _words(asked("video", "webm", width=640), video("webm", codec="vp9", alpha=True))
    assert _after(words, "-c:v") == "libvpx-vp9"
    assert words.index("-c:v") < words.index("-i")
    assert "format=yuva420p" in _after(words, "-filter_complex")


def test_cover_crops_and_pad_pads():
    cover = _after(_words(asked("video", "mp4", width=500, height=500, fit="cover"), video()), "-filter_complex")
    padded = _words(asked("video", "mp4", width=500, height=500, fit="pad", background="#102030"), video())
    assert "crop=500:500" in cover
    assert "color=0x102030" in _after(padded, "-filter_complex")


def test_a_variable_frame_rate_is_kept_except_in_avi():
    uneven = video(variable_rate=True, fps=7.2, usual_fps=30.1, codec="hevc")
    assert _after(_words(asked("video", "mp4"), uneven), "-fps_mode") == "vfr"
    avi = _words(asked("video", "avi"), uneven)
    assert (_after(avi, "-fps_mode"), _after(avi, "-r")) == ("cfr", "30")


def test_an_early_cut_is_decoded_from_the_start():
    words = _words(asked("video", "mp4", start=3, end=5), video())
    assert words.index("-ss") > words.index("-i")
    assert (_after(words, "-ss"), _after(words, "-t")) == ("3.000000", "2.000000")


def test_a_late_cut_seeks_to_ten_seconds_before():
    late = replace(video(duration=100.0), duration=100.0)
    words = _words(asked("video", "mp4", start=60), late)
    assert [words[place + 1] for place, word in enumerate(words) if word == "-ss"] == ["50.000000", "10.000000"]


def test_audio_with_delayed_timestamps_is_cut_by_its_samples():
    late = replace(audio(codec="wmalossless", duration=100.0), duration=100.0)
    words = _words(asked("audio", "wav", start=60), late)
    assert (_after(words, "-af"), _after(words, "-ss"), words.count("-ss")) == ("asetpts=PTS-STARTPTS", "60.000000", 1)


def test_surround_for_opus_has_a_plain_layout():
    words = _words(asked("video", "webm"), video(sound=replace(AAC, codec="ac3", channels=6)))
    assert _after(words, "-af") == "aformat=channel_layouts=5.1"


def test_a_gif_gets_its_own_palette():
    graph = _after(_words(asked("image", "gif", end=2, width=320), video()), "-filter_complex")
    assert all(name in graph for name in ("fps=16.67", "palettegen", "paletteuse", "flags=lanczos"))


@pytest.mark.parametrize(
    ("start", "end", "stretch"), [(3, 5, "end=5.000000:start=3"), (60, 61, "end=11.000000:start=10")]
)
def test_the_cut_of_a_gif_is_made_by_a_filter(start, end, stretch):
    late = replace(video(duration=100.0), duration=100.0)
    words = _words(asked("image", "gif", start=start, end=end, width=320), late)
    graph = _after(words, "-filter_complex")
    assert graph.index(stretch) < graph.index("palettegen")
    assert "-t" not in words


def test_a_still_is_one_frame():
    plan = plan_for(asked("image", "jpeg", at=2), video(), Limits())
    words = frame_command(plan, 2.0, _context(video()))
    assert _after(words, "-frames:v") == "1"


def test_a_size_is_always_a_number():
    graph = _after(_words(asked("video", "mp4", width=640.0), video()), "-filter_complex")
    assert "640:360" in graph


def test_mpeg4_is_encoded_by_one_thread():
    words = _words(asked("video", "avi"), video())
    assert _after(words[words.index("-filter_complex") :], "-threads") == "1"


def test_threads_are_limited_for_input_and_output():
    assert _words(asked("video", "webm"), video()).count("-threads") == 2


def test_a_square_output_is_scaled_to_its_own_size():
    tall = video(coded=Size(100, 200), shown=Size(100, 200))
    assert "scale=50:100" in _after(_words(asked("video", "webm", width=50), tall), "-filter_complex")


def _words(request, media):
    return conversion_command(plan_for(request, media, Limits()), _context(media))


def _context(media):
    return CommandContext("/bin/ffmpeg", "/room/-input", "/room/output", media, threads=2, max_pixels=35_389_440)


def _after(words, option):
    return words[words.index(option) + 1]
