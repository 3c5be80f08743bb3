"""Chromium on real files: copied streams play, and images look like their originals."""

import pytest

from penstock.domain.formats import FORMATS
from penstock.domain.planning.plan import Copy, VideoPlan
from penstock.domain.planning.planner import plan_for
from penstock.engines import probe
from tests.corpus import cheapest_files, corpus_files
from tests.engines.conversions import convert_probed, request_for

pytestmark = [pytest.mark.media, pytest.mark.corpus]

HELD = corpus_files()
VIDEOS = [corpus_file.path for corpus_file in cheapest_files(HELD) if corpus_file.kind == "video"]
MIMES = {"jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp"}
MOST_PIXELS = 2_000_000
# Not its word but ours: it obeys no orientation in WebP and in XMP, knows no black point, and blends in other places.
MAX_DIFFERENCE = {
    "image/orientation/hopper_orientation_6.webp": 255,
    "image/orientation/xmp_tags_orientation.png": 255,
    "image/cmyk-swop-profile.jpg": 24,
    "image/cmyk-adobe.jpg": 32,
    "image/bmp-rgba32.bmp": 24,
}
# One of each kind, and all whose colours are not what they seem.
MANAGED = ("icc-rgb-to-gbr.jpg", "p3-color-ring.jpg", "p3.png", "cmyk-no-profile.jpg", "ultra-hdr-gainmap.jpg")
SHOWN = {
    *MAX_DIFFERENCE,
    *(f"image/{name}" for name in MANAGED),
    *(held.path for held in HELD if held.path.startswith("image/pngsuite/g")),
    *(held.path for held in cheapest_files(HELD) if held.container in MIMES and held.cost[0] < MOST_PIXELS),
}


def test_every_copied_codec_plays(chromium, corpus, tmp_path, tools):
    copied = set()
    for path in VIDEOS:
        media = probe(corpus / path, tools)
        for output in ("mp4", "webm"):
            plan = plan_for(request_for(output), media, tools.limits)
            if (
                not (isinstance(plan, VideoPlan) and isinstance(plan.video, Copy))
                or (output, plan.video.codec) in copied
            ):
                continue
            converted = convert_probed(corpus / path, media, output, (tmp_path, tools))
            seen = chromium.play(converted.path, "video", FORMATS[output].mime)
            size = (converted.facts.width, converted.facts.height)
            assert (path, output, seen.fault, seen.width, seen.height) == (path, output, None, *size)
            assert seen.duration == pytest.approx(
                converted.facts.duration, abs=max(0.1, 2 / (media.video.fps or 25))
            ), path
            copied.add((output, plan.video.codec))
    assert copied == {("mp4", "h264"), ("webm", "vp8"), ("webm", "vp9"), ("webm", "av1")}


def test_an_hdr_video_is_as_bright_as_the_original(chromium, corpus, tmp_path, tools):
    video_case = corpus / "video" / "hdr10-av1-portrait.mp4"
    original = chromium.play(video_case, "video", "video/mp4")
    converted = convert_probed(video_case, probe(video_case, tools), "mp4", (tmp_path, tools), width=360, end=0.5)
    seen = chromium.play(converted.path, "video", "video/mp4")
    assert (original.fault, seen.fault) == (None, None)
    assert (sum(seen.fields) - sum(original.fields)) / len(seen.fields) == pytest.approx(0, abs=8)
    assert max_difference(seen, original) <= 24


def test_every_image_looks_like_the_original(chromium, corpus, tmp_path, tools):
    for path in sorted(SHOWN):
        media = probe(corpus / path, tools)
        original = chromium.show(corpus / path, MIMES[media.container])
        converted = convert_probed(corpus / path, media, "png", (tmp_path, tools), width=64, on_upscale="clamp")
        seen = chromium.show(converted.path, "image/png")
        assert (path, original.fault, seen.fault) == (path, None, None)
        assert (max_difference(seen, original), path) <= (MAX_DIFFERENCE.get(path, 12), path)


def max_difference(one, other):
    return max(abs(a - b) for a, b in zip(one.fields, other.fields, strict=True))
