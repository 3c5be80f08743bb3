"""The server ends long polls when it stops, keeps idle connections, and serves the page."""

import asyncio
import re
from dataclasses import replace

from penstock.api import create_app
from penstock.api.long_poll import LongPolls
from penstock.api.server import Server
from penstock.storage.object_store import ObjectStore
from tests.api.app import serving, with_settings
from tests.orchestration.conftest import task_of


def test_a_stop_ends_long_polls():
    assert asyncio.run(asked_and_stopped()).status == "processing"


async def asked_and_stopped():
    polls, task = LongPolls(), task_of(url="https://example.com/clip.mov")
    asked = asyncio.Event()

    async def read():
        asked.set()
        return task

    answer = asyncio.create_task(polls.wait_for_end(task, read, 3600))
    await asked.wait()
    polls.close()
    return await asyncio.wait_for(answer, 5)


def test_idle_connections_are_kept_longer_than_clients_keep_them(parts, runs):
    assert Server(create_app(parts, runs)).config.timeout_keep_alive > 60


def test_the_page_runs_only_its_own_scripts_and_is_shown_in_no_frame(client):
    headers = client.get("/").headers

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert (policy["img-src"], policy["frame-ancestors"], policy["form-action"]) == ("'self'", "'none'", "'none'")
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_a_module_of_the_page_is_kept_under_the_address_of_its_version(client):
    address = re.search(r'src="(page/\w+/app\.js)"', client.get("/").text)[1]
    served = client.get(f"/{address}")

    assert served.headers["content-type"].startswith("text/javascript")
    assert "immutable" in served.headers["cache-control"]
    assert client.get("/page/0/app.js").headers["cache-control"] == "no-cache"
    assert client.get(f"/{address}", headers={"If-None-Match": served.headers["etag"]}).status_code == 304
    assert client.get("/page/0/nothing.js").status_code == 404


def test_the_page_shows_pictures_of_a_store_that_serves_its_links_itself(parts, runs, aws, s3_endpoint):
    kept_there = replace(parts, objects=ObjectStore.at("s3://bucket/pictures", s3_endpoint))
    with serving(with_settings(kept_there, links="redirect"), runs) as client:
        served = client.get("/")
    assert f"img-src 'self' {s3_endpoint};" in served.headers["content-security-policy"]
    assert 'data-links="redirect"' in served.text


def test_the_page_can_be_turned_off(parts, runs):
    with serving(with_settings(parts, page="off"), runs) as client:
        assert client.get("/").json()["error"]["code"] == "token_missing"
        assert client.get("/page/0/app.js").json()["error"]["code"] == "token_missing"
