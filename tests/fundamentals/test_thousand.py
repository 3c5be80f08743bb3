"""A thousand equal requests at once are one task, one flow run and one output."""

import asyncio

import httpx
import pytest

from tests.service import csrf

pytestmark = pytest.mark.service

REQUESTS, AT_ONCE = 1000, 50


def test_a_thousand_equal_requests_are_one_conversion(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "jpeg", "width": 123}
    ids = asyncio.run(ask(penstock, request))
    assert len(ids) == REQUESTS
    assert len(set(ids)) == 1

    done = penstock.finished({"id": ids[0]})
    named = {"flow_runs": {"name": {"like_": ids[0]}}}
    runs = penstock.prefect.post("/flow_runs/filter", json=named, headers=csrf(penstock)).raise_for_status().json()
    sources = httpx.get(
        f"{penstock.service.api_url}/sources",
        params={"limit": 100},
        headers={"Authorization": f"Bearer {penstock.key}"},
        trust_env=False,
    ).json()["data"]
    assert (done["status"], len(runs)) == ("completed", 1)
    assert [source["id"] for source in sources if source["task"] == ids[0]] == [done["output"]["id"]]


async def ask(penstock, request):
    limits = httpx.Limits(max_connections=AT_ONCE)
    headers = {"Authorization": f"Bearer {penstock.key}"}
    async with httpx.AsyncClient(
        base_url=penstock.service.api_url, headers=headers, limits=limits, timeout=60, trust_env=False
    ) as client:
        answers = await asyncio.gather(*(client.post("/tasks", json=request) for _ in range(REQUESTS)))
    return [answer.raise_for_status().json()["data"]["id"] for answer in answers]
