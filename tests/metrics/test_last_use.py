"""A service that lingers ends though somebody watches it."""

import asyncio

import pytest

from penstock.api.last_use import LastUse


def uses(path):
    """How often a request of this path counts as a use."""
    marked = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(_message):
        pass

    asyncio.run(LastUse(app, lambda: marked.append(path))({"type": "http", "path": path}, None, send))
    return len(marked)


@pytest.mark.parametrize(("path", "count"), [("/health", 0), ("/metrics", 0), ("/tasks", 1)])
def test_who_watches_a_service_does_not_use_it(path, count):
    assert uses(path) == count
