"""An impossible conversion is refused before its input is downloaded."""

import pytest

from tests.media import MediaFactory
from tests.range_origin import running_range_origin

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A web server with four minutes of video without audio, the index at the end."""
    long_video = MediaFactory(tmp_path_factory.mktemp("films"))("long-silent.mp4")
    with running_range_origin() as running:
        running.files = {"film.mp4": long_video.read_bytes()}
        yield running


ASKED = {
    "no_audio_stream": {"kind": "audio", "format": "wav"},
    "field_invalid": {"kind": "video", "format": "mp4", "start": 500},
    "input_limits_exceeded": {"kind": "image", "format": "gif"},
}


@pytest.mark.parametrize("code", ASKED)
def test_a_refusal_by_the_index_does_not_download_the_video(penstock, host, code):
    before = host.sent
    task = penstock.finished(penstock.client.create({"url": f"{host.address}/parts/film.mp4"} | ASKED[code]))

    assert (task["status"], task["error"]["code"], task["error"]["step"]) == ("failed", code, "fetch")
    # What is not read stands in the sockets of both sides.
    assert host.sent - before < len(host.files["film.mp4"]) / 3
