"""A task is refused if its input's header and index show it to be impossible; the rest is not downloaded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.conversion.early_refusal import EarlyCheck
from penstock.domain import errors
from penstock.domain.request import parse_request
from penstock.domain.task import InputVersion
from penstock.engines import NoWatch, Tools
from penstock.storage.download import download_input
from penstock.storage.http_source import FetchPolicy
from tests.media import MediaFactory
from tests.range_origin import RangeOrigin, running_range_origin

pytestmark = pytest.mark.media

MIB = 2**20
FILMS = ("long-av.mp4", "long-silent.mp4", "fragments.mp4", "live.mkv")


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Four minutes of video with the index at the end; and the same without an index."""
    shop = MediaFactory(tmp_path_factory.mktemp("films"))
    return {name: shop(name).read_bytes() for name in FILMS} | {"text": b"no film at all\n" * 3 * MIB}


@pytest.fixture
def host(films: dict[str, bytes]) -> Iterator[RangeOrigin]:
    with running_range_origin() as running:
        running.files = films
        yield running


class Fetching:
    """The download of a task with its early check."""

    def __init__(self, host: RangeOrigin, tools: Tools, room: Path):
        self.host, self.tools, self.path = host, tools, room / "input"

    def __call__(self, place: str, **asked: object) -> InputVersion:
        request = parse_request({"url": f"{self.host.address}/{place}", "kind": "video", "format": "mp4"} | asked)
        policy = FetchPolicy(max_bytes=10**9, read_seconds=5, total_seconds=60, allow="127.0.0.0/8")
        look = EarlyCheck(request, self.tools, frozenset(), 16 * MIB, NoWatch())
        return download_input(request.url or "", self.path, policy, look)


@pytest.fixture
def fetch(host: RangeOrigin, tools: Tools, tmp_path: Path) -> Fetching:
    return Fetching(host, tools, tmp_path)


REFUSED = {
    "sound that it has not": ("long-silent.mp4", {"kind": "audio", "format": "wav"}, errors.NoAudioStream),
    "what begins after its end": ("long-av.mp4", {"start": 500}, errors.FieldInvalid),
    "a moment after its end": ("long-av.mp4", {"kind": "image", "format": "webp", "at": 500}, errors.FieldInvalid),
    "a gif of too many frames": ("long-av.mp4", {"kind": "image", "format": "gif"}, errors.InputLimitsExceeded),
    "more pixels than it has": ("long-av.mp4", {"width": 4000}, errors.UpscaleNotAllowed),
    "a film of a text": ("text", {}, errors.InputUnreadable),
}


@pytest.mark.parametrize("wish", REFUSED)
def test_an_impossible_conversion_is_refused_after_a_part_of_the_input(wish: str, fetch: Fetching, host: RangeOrigin):
    name, asked, expected = REFUSED[wish]
    with pytest.raises(expected):
        fetch(f"parts/{name}", **asked)
    # The rest is what the sockets of both sides hold while nobody reads.
    assert host.sent < len(host.files[name]) / 3
    assert list(fetch.path.parent.iterdir()) == []


def test_a_possible_conversion_downloads_its_input_once(fetch: Fetching, host: RangeOrigin):
    fetch("parts/long-av.mp4", width=160)
    assert fetch.path.read_bytes() == host.files["long-av.mp4"]
    assert host.sent < len(host.files["long-av.mp4"]) * 1.1
    assert [path.name for path in fetch.path.parent.iterdir()] == ["input"]


@pytest.mark.parametrize("manner", ["changing", "whole", "unmeasured"])
def test_an_input_whose_parts_are_inconsistent_is_downloaded_whole(manner: str, fetch: Fetching, host: RangeOrigin):
    fetch(f"{manner}/long-av.mp4", start=500)
    assert fetch.path.read_bytes() == host.files["long-av.mp4"]


@pytest.mark.parametrize("name", ["fragments.mp4", "live.mkv"])
@pytest.mark.parametrize("asked", [{"start": 100}, {"kind": "image", "format": "webp", "at": 100}])
def test_an_unknown_length_refuses_nothing(name: str, asked: dict[str, object], fetch: Fetching, host: RangeOrigin):
    fetch(f"parts/{name}", **asked)
    assert fetch.path.read_bytes() == host.files[name]


def test_a_cancel_stops_the_probe(fetch: Fetching, host: RangeOrigin, tools: Tools):
    class Unwanted(NoWatch):
        def stopped(self) -> bool:
            return True

    request = parse_request({"url": f"{host.address}/parts/long-av.mp4", "kind": "video", "format": "mp4"})
    look = EarlyCheck(request, tools, frozenset(), MIB, Unwanted())
    policy = FetchPolicy(max_bytes=10**9, allow="127.0.0.0/8")
    with pytest.raises(errors.Cancelled):
        download_input(request.url or "", fetch.path, replace(policy, read_seconds=5), look)
