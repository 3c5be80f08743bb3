"""Ittybit's own client, from its package, works with our API."""

import httpx
import pytest
from ittybit import Ittybit

pytestmark = pytest.mark.service


def test_ittybits_client_creates_gets_and_lists_tasks(penstock, origin, photo):
    with httpx.Client(trust_env=False) as http:
        use(Ittybit(base_url=penstock.service.api_url, token=penstock.key, httpx_client=http), penstock, origin, photo)


def use(client, penstock, origin, photo):
    created = client.tasks.create(request={"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp"}).data
    assert (created.object, created.kind) == ("task", "image")

    penstock.finished({"id": created.id})
    done = client.tasks.get(created.id).data
    assert (done.status, done.output["format"]) == ("completed", "webp")
    assert created.id in [task.id for task in client.tasks.list(limit=100).data]
