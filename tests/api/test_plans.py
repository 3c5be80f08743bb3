"""A plan is what a task would do, or its error; nothing is converted, stored or read without need."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from penstock.conversion.reuse import digest_of
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest
from penstock.domain.task import File
from penstock.engines import probe
from penstock.services import Services
from tests.api.app import FakeRunService, Project, serving, store_upload, with_settings
from tests.media import MediaFactory
from tests.range_origin import RangeOrigin, running_range_origin
from tests.records.rows import complete_conversion

pytestmark = pytest.mark.media


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> MediaFactory:
    return MediaFactory(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def host(shop: MediaFactory) -> Iterator[RangeOrigin]:
    with running_range_origin() as running:
        running.files = {"clip.mp4": shop("heavy.mp4").read_bytes(), "text": b"no film\n" * 100_000}
        yield running


@pytest.fixture(scope="session")
def open_api(parts: Services) -> Iterator[httpx.Client]:
    """An API that may fetch from loopback."""
    policy = replace(parts.fetch_policy, allow="127.0.0.0/8")
    with serving(
        replace(with_settings(parts, fetch_allow="127.0.0.0/8"), fetch_policy=policy), FakeRunService()
    ) as client:
        yield client


def planned(client: httpx.Client, project: Project, **body: object) -> httpx.Response:
    return client.post("/plans", json={"kind": "video", "format": "mp4"} | body, **project())


def test_a_url_is_planned_from_a_part_of_the_file(open_api: httpx.Client, host: RangeOrigin, project: Project):
    before = host.sent
    told = planned(open_api, project, url=f"{host.address}/parts/clip.mp4", width=160).json()["data"]

    assert (told["object"], told["width"], told["height"], told["codecs"]) == ("plan", 160, 90, "h264,aac")
    assert told["duration"] == pytest.approx(8.0, abs=0.05)
    assert [step["action"] for step in told["steps"]] == ["encode", "copy"]
    assert told["plan"]["video"] == "encode h264 160x90, because another size was requested"
    assert told["source"]["bytes_read"] == host.sent - before < len(host.files["clip.mp4"]) / 3


def test_the_argument_list_contains_no_path(open_api: httpx.Client, host: RangeOrigin, project: Project):
    argv = planned(open_api, project, url=f"{host.address}/parts/clip.mp4", width=160).json()["data"]["argv"]

    assert argv[0] == "ffmpeg"
    assert argv[argv.index("-i") + 1] == "file:input"
    assert argv[-1] == "file:output.mp4"
    assert not any("/" in word for word in argv if word.startswith("file:"))


def test_estimates_without_history_are_null(open_api: httpx.Client, host: RangeOrigin, project: Project):
    told = planned(open_api, project, url=f"{host.address}/parts/clip.mp4", format="avi").json()["data"]
    assert told["estimate"] == {"bytes": None, "seconds": None, "tasks": 0}


def test_a_plan_leaves_no_task(open_api: httpx.Client, host: RangeOrigin, project: Project):
    planned(open_api, project, url=f"{host.address}/parts/clip.mp4")

    assert open_api.get("/tasks", **project()).json()["meta"]["total"] == 0


def test_a_file_is_planned_from_its_stored_facts(
    client: httpx.Client, parts: Services, shop: MediaFactory, project: Project
):
    file = store_upload(parts, project, media=probe(shop("clip.mkv"), parts.tools))
    told = planned(client, project, file_id=file.id).json()["data"]

    assert told["input"] == file.id
    assert [step["action"] for step in told["steps"]] == ["copy", "encode"]
    assert told["source"]["bytes_read"] == 0


def test_a_plan_says_which_output_its_task_would_reuse(
    client: httpx.Client, parts: Services, shop: MediaFactory, project: Project
):
    file = store_upload(parts, project, media=probe(shop("clip.mkv"), parts.tools))
    before = planned(client, project, file_id=file.id).json()["data"]
    output = convert_upload(parts, project, file)
    told = planned(client, project, file_id=file.id).json()["data"]
    other = planned(client, project, file_id=file.id, width=60).json()["data"]

    assert [step["action"] for step in told["steps"]] == ["reuse", "reuse"]
    assert told["plan"]["video"] == f"reuse {output.id}, because the same bytes were converted with the same settings"
    assert (told["argv"], told["estimate"]["bytes"]["expected"]) == ([], output.facts.filesize)
    assert [step["action"] for step in other["steps"]] == ["encode", "encode"]
    with serving(with_settings(parts, reuse="off"), FakeRunService()) as without:
        assert planned(without, project, file_id=file.id).json()["data"]["plan"] == before["plan"]


def convert_upload(parts: Services, project: Project, file: File) -> File:
    """The output of a task for the upload, as its run records it."""
    request = SourceRequest(file_id=file.id, kind="video", format="mp4")
    plan = plan_for(request, file.media, parts.limits)
    digest = digest_of(file.facts.sha256, plan, file.media, parts.tools)
    task = parts.records.tasks.submit(project.id, request)
    return complete_conversion(parts.records, parts.records.tasks.begin(task.id, 1, "owner", "run"), digest)


def test_a_file_without_stored_facts_is_read_in_ranges(
    client: httpx.Client, parts: Services, shop: MediaFactory, project: Project
):
    file = store_upload(parts, project, shop("heavy.mp4").read_bytes())
    told = planned(client, project, file_id=file.id).json()["data"]

    assert 0 < told["source"]["bytes_read"] < file.facts.filesize / 3


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"width": 4000}, (422, "upscale_not_allowed")),
        ({"kind": "video", "format": "mp3"}, (422, "format_unsupported")),
        ({"start": 60}, (422, "field_invalid")),
        ({"url": "{host}/parts/text"}, (422, "input_unreadable")),
        ({"url": "{host}/to/http://10.0.0.1/x"}, (422, "url_forbidden")),
        ({"url": "http://10.0.0.1/x"}, (422, "url_forbidden")),
        ({"file_id": "file_aaaaaaaaaaaaaaaa", "url": None}, (404, "file_not_found")),
    ],
)
def test_a_plan_fails_as_its_task_would(
    open_api: httpx.Client, host: RangeOrigin, project: Project, body: dict, refusal: tuple[int, str]
):
    body = {name: value.format(host=host.address) if name == "url" and value else value for name, value in body.items()}
    told = planned(open_api, project, **{"url": f"{host.address}/parts/clip.mp4"} | body)

    assert (told.status_code, told.json()["error"]["code"]) == refusal
    assert told.json()["data"] is None


def test_a_plan_that_reads_too_much_is_rejected(parts: Services, host: RangeOrigin, project: Project):
    policy = replace(parts.fetch_policy, allow="127.0.0.0/8")
    hasty = replace(with_settings(parts, fetch_allow="127.0.0.0/8", max_plan_bytes=300_000), fetch_policy=policy)
    with serving(hasty, FakeRunService()) as client:
        told = planned(client, project, url=f"{host.address}/whole/clip.mp4").json()["error"]

    assert told["code"] == "input_limits_exceeded"
    assert "300,000 bytes" in told["message"]


def test_plans_are_limited_in_time_and_number(parts: Services, host: RangeOrigin, project: Project):
    changed = {"fetch_allow": "127.0.0.0/8", "plans_at_once": 1, "plan_seconds": 0.2}
    policy = replace(parts.fetch_policy, allow="127.0.0.0/8")
    with (
        serving(replace(with_settings(parts, **changed), fetch_policy=policy), FakeRunService()) as client,
        ThreadPoolExecutor(10) as callers,
    ):
        told = list(callers.map(lambda _: planned(client, project, url=f"{host.address}/silent/x"), range(10)))
    codes = Counter(one.json()["error"]["code"] for one in told)

    assert codes["input_timeout"] > 0
    assert codes["rate_limited"] > 0
    assert set(codes) == {"input_timeout", "rate_limited"}
    assert all("retry-after" in one.headers for one in told if one.status_code == 429)


def test_plans_leave_nothing_on_the_disk(open_api: httpx.Client, host: RangeOrigin, parts: Services, project: Project):
    planned(open_api, project, url=f"{host.address}/parts/clip.mp4")
    assert not list(Path(parts.settings.scratch).glob("plan-*"))


# The first 2,000 bytes of films, and what is none, with the code of its refusal.
BAD_INPUTS = {
    "empty": "input_unreadable",
    "text": "input_unreadable",
    "notes": "input_unreadable",
    "playlist": "input_unreadable",
    "broadcast.mkv": "input_truncated",
    "late-audio.mkv": "input_truncated",
    "silent.mp4": "input_truncated",
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_bad_input_has_the_same_error_by_url_and_by_upload(
    open_api: httpx.Client, host: RangeOrigin, project: Project, shop: MediaFactory, name: str
):
    no_films = {
        "empty": b"",
        "text": b"no film\n" * 100_000,
        "notes": b"notes\n",
        "playlist": b"#EXTM3U\n/etc/passwd\n",
    }
    host.files["left"] = shop(name).read_bytes()[:2000] if "." in name else no_films[name]
    by_address = planned(open_api, project, url=f"{host.address}/whole/left").json()["error"]
    by_upload = open_api.post("/files", content=host.files["left"], **project()).json()["error"]

    assert (by_address["code"], by_address["message"]) == (by_upload["code"], by_upload["message"])
    assert by_upload["code"] == BAD_INPUTS[name]
