"""A response names its request, and so does every line that is logged meanwhile."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from penstock.logs.records import redacted_record
from penstock.logs.request_ids import RequestIds, current_request_id


async def log_line(_request):
    await asyncio.sleep(0)  # others may run meanwhile
    return PlainTextResponse(redacted_record("penstock", 20, "x.py", 1, "done", (), None).getMessage())


async def answers(count):
    app = RequestIds(Starlette(routes=[Route("/", log_line)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await asyncio.gather(*(client.get("/", headers={"X-Request-ID": "forged"}) for _ in range(count)))


def test_each_line_has_the_id_of_its_own_response():
    made = asyncio.run(answers(20))
    assert [answer.text for answer in made] == [f"done ({answer.headers['X-Request-ID']})" for answer in made]
    assert len({answer.text for answer in made}) == 20


def test_outside_of_a_request_there_is_none():
    asyncio.run(answers(1))
    assert current_request_id() is None


def test_an_id_that_a_caller_sends_is_not_taken():
    (answer,) = asyncio.run(answers(1))
    assert answer.headers["X-Request-ID"].startswith("req_")
