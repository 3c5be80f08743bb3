"""Ittybit's own client, from its package, works with our API."""

import httpx
import pytest
from ittybit import Ittybit

from tests.service import wait_for

pytestmark = pytest.mark.service


def test_ittybits_client_creates_gets_and_lists_tasks(penstock, origin, photo):
    with httpx.Client(trust_env=False) as http:
        use(Ittybit(base_url=penstock.service.api_url, token=penstock.key, httpx_client=http), penstock, origin, photo)


def test_ittybits_client_imports_renames_and_signs_uploads(penstock, origin, photo):
    with httpx.Client(trust_env=False) as http:
        client = Ittybit(base_url=penstock.service.api_url, token=penstock.key, httpx_client=http)
        file = client.files.create(url=f"{origin}/{photo.name}", filename="a.png", metadata={"shelf": 7}).data
        assert (file.status, file.metadata) == ("processing", {"shelf": 7})
        done = wait_for(lambda: ready(client.files.get(file.id).data), 60)
        assert (done.kind, done.filesize) == ("image", photo.stat().st_size)
        assert client.files.update(file.id, filename="b.png").data.name == "b.png"
        link = client.signatures.create(filename="c.png", method="put").data
        sent = http.put(link.url, content=photo.read_bytes()).raise_for_status().json()["data"]
        assert (link.method, link.filename, sent["name"]) == ("put", "c.png", "c.png")


def ready(file):
    return file if file.status == "ready" else None


def use(client, penstock, origin, photo):
    created = client.tasks.create(request={"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp"}).data
    assert (created.object, created.kind) == ("task", "image")

    penstock.finished({"id": created.id})
    done = client.tasks.get(created.id).data
    assert (done.status, done.output["format"]) == ("completed", "webp")
    assert created.id in [task.id for task in client.tasks.list(limit=100).data]
