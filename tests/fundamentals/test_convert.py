"""Conversions: the output is what was requested, and what cannot be done well is refused."""

import io

import av
import pytest
from PIL import Image

from benchmarks.harness.json_client import Refused
from tests.service import wait_for

pytestmark = pytest.mark.service


def test_a_request_is_answered_at_once_and_completed_later(penstock, clip):
    task = penstock.client.create({"file_id": penstock.client.upload(clip)["id"], "kind": "video", "format": "webm"})
    assert (task["object"], task["status"]) == ("task", "processing")

    done = penstock.finished(task)
    assert (done["id"], done["status"], done["progress"]) == (task["id"], "completed", 100)


def test_a_video_by_url_becomes_the_requested_video(penstock, origin, clip):
    request = {"url": f"{origin}/{clip.name}", "kind": "video", "format": "mp4", "width": 320}
    output = penstock.converted(request)["output"]

    with av.open(io.BytesIO(penstock.bytes_of(output["url"]))) as video:
        picture = video.streams.video[0].codec_context
        assert (picture.name, picture.width, picture.height, picture.pix_fmt) == ("h264", 320, 180, "yuv420p")
        assert video.streams.audio[0].codec_context.name == "aac"
        assert abs(video.duration / 1e6 - 2.0) < 0.1


def test_a_plan_is_what_the_task_then_does(penstock, origin, clip):
    request = {"url": f"{origin}/{clip.name}", "kind": "video", "format": "mov", "width": 64}
    plan, output = penstock.client.plan(request), penstock.converted(request)["output"]
    told = {name: plan[name] for name in ("width", "height", "codecs")}

    assert told == {name: output[name] for name in told}
    assert plan["duration"] == pytest.approx(output["duration"], abs=0.05)


def test_the_link_serves_the_bytes_that_the_task_describes(penstock, origin, photo):
    output = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp"})["output"]
    served = penstock.bytes_of(output["url"])

    assert output["filesize"] == len(served)
    with Image.open(io.BytesIO(served)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (output["width"], output["height"]))


def test_an_image_that_re_encoding_makes_larger_is_kept(penstock, media_folder, origin):
    notes = Image.Exif()
    notes[0x0110] = "Camera 4711"
    noise = Image.effect_noise((200, 150), 90).convert("RGB")
    noise.save(media_folder / "rough.jpeg", quality=20, exif=notes)
    task = penstock.converted({"url": f"{origin}/rough.jpeg", "kind": "image", "format": "jpeg", "quality": 0.9})

    assert task["plan"]["image"] == "copy jpeg 200x150, because re-encoding made it larger"
    served = penstock.bytes_of(task["output"]["url"])
    assert b"Camera 4711" not in served
    assert len(served) < (media_folder / "rough.jpeg").stat().st_size


def test_the_same_request_is_the_same_task(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "jpeg", "quality": 0.5}
    done = penstock.converted(request)

    again = penstock.client.create(request)
    assert (again["id"], again["status"], again["output"]["id"]) == (done["id"], "completed", done["output"]["id"])


def test_a_fresh_request_is_converted_again(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "gif"}
    done = penstock.converted(request)

    anew = penstock.converted(request | {"fresh": True})
    assert (anew["id"], anew["attempt"]) == (done["id"], done["attempt"] + 1)


def test_the_audio_of_a_video_becomes_an_audio_file(penstock, origin, clip):
    output = penstock.converted({"url": f"{origin}/{clip.name}", "kind": "audio", "format": "mp3"})["output"]
    assert (output["kind"], output["codecs"], output["width"]) == ("audio", "mp3", None)


def test_a_frame_of_a_video_becomes_an_image(penstock, origin, clip):
    request = {"url": f"{origin}/{clip.name}", "kind": "image", "format": "jpeg", "at": 1.0, "width": 160}
    output = penstock.converted(request)["output"]
    assert (output["kind"], output["width"], output["height"]) == ("image", 160, 90)


def test_a_video_becomes_an_animation(penstock, origin, clip):
    request = {"url": f"{origin}/{clip.name}", "kind": "image", "format": "gif", "width": 160, "end": 1.0}
    output = penstock.converted(request)["output"]

    assert output["frames"] > 10
    assert abs(output["duration"] - 1.0) < 0.1


def test_an_image_is_never_upscaled(penstock, photo):
    request = {"file_id": penstock.client.upload(photo)["id"], "kind": "image", "format": "png", "width": 800}
    with pytest.raises(Refused, match=r"400x300.*800") as refused:
        penstock.client.create(request)
    assert refused.value.code == "upscale_not_allowed"


def test_audio_cannot_become_video(penstock, tone):
    with pytest.raises(Refused) as refused:
        penstock.client.create(
            {"file_id": penstock.client.upload(tone)["id"], "kind": "video", "format": "mp4"},
        )
    assert refused.value.code == "kind_incompatible"


def test_an_error_that_only_the_input_shows_fails_the_task(penstock, origin, tone):
    task = penstock.finished(penstock.client.create({"url": f"{origin}/{tone.name}", "kind": "image", "format": "png"}))
    assert (task["status"], task["error"]["code"]) == ("failed", "kind_incompatible")


def test_an_input_that_its_first_bytes_rule_out_is_not_downloaded(penstock, origin, long_video):
    request = {"url": f"{origin}/stuck/{long_video.name}", "kind": "video", "format": "mp4", "width": 5000}
    task = penstock.finished(penstock.client.create(request), 12)
    assert task["error"]["code"] == "upscale_not_allowed"


def test_an_origin_that_has_nothing_fails_the_task(penstock, origin):
    task = penstock.finished(penstock.client.create({"url": f"{origin}/no.mp4", "kind": "video", "format": "mp4"}))
    assert (task["error"]["code"], task["error"]["step"]) == ("input_unreachable", "fetch")


def test_an_html_page_instead_of_a_video_is_unreadable(penstock, origin, media_folder):
    (media_folder / "page.mp4").write_text("<!doctype html><title>Not a film</title>")
    task = penstock.finished(penstock.client.create({"url": f"{origin}/page.mp4", "kind": "video", "format": "mp4"}))
    assert task["error"]["code"] == "input_unreadable"


def test_a_request_with_three_errors_reports_all_three(penstock):
    with pytest.raises(Refused) as refused:
        penstock.client.create({"kind": "video", "format": "mp3", "quality": 3})
    assert {fault["field"] for fault in refused.value.violations} == {"url", "format", "quality"}


def test_no_scratch_folder_is_left(penstock, origin, photo):
    penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 17})
    wait_for(lambda: not list((penstock.home.root / "scratch").iterdir()))
