"""`/docs`, `/openapi.json`, `/formats` and `/health`."""

import re
from dataclasses import replace

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from penstock.api import ROUTERS
from penstock.api.envelope import ErrorEnvelope
from penstock.api.examples import BATCH_REQUESTS, REQUESTS
from penstock.api.openapi import operations
from penstock.api.routes.docs import FILES, HEADERS
from penstock.batches.batch_body import BatchBody, parse_body
from penstock.domain.formats import FORMATS
from penstock.domain.planning.matrix import CONTAINERS
from penstock.domain.public_request import parse_public_request
from penstock.domain.request import SourceRequest
from penstock.domain.web_addresses import parse_allowed
from penstock.services import Services
from tests.api.app import FakeRunService, Project, serving


def test_the_documentation_needs_no_key_and_describes_the_body(client: httpx.Client):
    told = client.get("/openapi.json").json()
    body = told["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert client.get("/docs").status_code == 200
    assert set(body["properties"]) == set(SourceRequest.model_fields)
    batch = told["paths"]["/batches"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(batch["properties"]) == set(BatchBody.model_fields)
    assert set(batch["properties"]["defaults"]["properties"]) == set(SourceRequest.model_fields)
    assert told["paths"]["/sources"]["post"]["requestBody"] == told["paths"]["/tasks"]["post"]["requestBody"]


def test_the_documentation_describes_every_field_of_a_task(client: httpx.Client, project: Project):
    task = client.post("/tasks", json={"url": "http://a.com/b", "kind": "audio", "format": "mp3"}, **project()).json()
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    assert list(schemas["TaskView"]["properties"]) == list(task["data"])
    assert list(schemas["Meta"]["properties"]) == list(task["meta"])


def test_the_matrix_gives_the_reason_for_a_refused_pair(client: httpx.Client, project: Project):
    data = client.get("/formats", **project()).json()["data"]
    rows = {row["container"]: {one["kind"]: one["outputs"] for one in row["inputs"]} for row in data["matrix"]}
    [mp3] = [cell for cell in rows["mov"]["video"] if cell["format"] == "mp3"]

    assert [one["format"] for one in data["formats"]] == list(FORMATS)
    assert set(rows) == set(CONTAINERS)
    assert (mp3["allowed"], "mp3" in mp3["reason"]) == (False, True)


def test_an_allowed_pair_is_shown_as_allowed(parts: Services, runs: FakeRunService, project: Project):
    with serving(replace(parts, allowed_pairs=frozenset({("mov", "mp3")})), runs) as client:
        rows = client.get("/formats", **project()).json()["data"]["matrix"]
    cells = [cell for row in rows if row["container"] == "mov" for cell in row["inputs"][0]["outputs"]]

    assert [cell["allowed"] for cell in cells if cell["format"] == "mp3"] == [True]


def test_health_needs_no_key_and_names_the_dependencies(client: httpx.Client):
    told = client.get("/health").json()

    assert told["data"] == {
        "object": "health",
        "status": "ok",
        "dependencies": {"database": "ok", "storage": "ok", "prefect": "ok", "workers": "ok"},
        "jail": {"mode": "auto", "missing": [], "refused": 30, "allowed": []},
    }
    assert told["meta"]["project_id"] is None


@pytest.mark.parametrize("away", ["prefect", "workers"])
def test_health_without_prefect_or_worker_is_degraded_and_200(parts: Services, away: str):
    with serving(parts, FakeRunService(**{away: "degraded"})) as client:
        answered = client.get("/health")

    assert answered.status_code == 200
    told = answered.json()["data"]
    assert (told["status"], told["dependencies"][away]) == ("degraded", "degraded")
    assert list(told["dependencies"].values()).count("ok") == 3


def test_the_page_loads_nothing_from_other_hosts(client: httpx.Client):
    page = client.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    parts_of_it = [client.get(f"/{name}") for name in named]

    assert [one.status_code for one in parts_of_it] == [200] * len(named)
    assert {one.headers["content-security-policy"] for one in (page, *parts_of_it)} == {
        HEADERS["Content-Security-Policy"]
    }
    assert "http" not in HEADERS["Content-Security-Policy"]
    assert {name.rpartition("/")[2] for name in named} == set(FILES)
    assert "//" not in page.text.replace("<!DOCTYPE html>", "")


def test_files_of_the_page_are_cached(client: httpx.Client):
    first = client.get("/docs/icon.svg")
    again = client.get("/docs/icon.svg", headers={"If-None-Match": first.headers["etag"]})

    assert (first.headers["content-type"], again.status_code, again.content) == ("image/svg+xml", 304, b"")


@pytest.mark.parametrize("name", ["nothing", "..%2fsettings.py", "docs.html"])
def test_no_other_files_are_served(client: httpx.Client, project: Project, name: str):
    assert client.get(f"/docs/{name}", **project()).json()["error"]["code"] == "not_found"


def test_the_key_is_declared_for_every_route_that_needs_it(client: httpx.Client, parts: Services):
    told = client.get("/openapi.json").json()
    open_ones = {path for path, _, operation in operations(told) if operation.get("security") == []}
    answers = {path: client.get(path.replace("{file_id}", "file_aaaaaaaa")).json() for path in open_ones}

    assert told["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert told["security"] == [{"key": []}]
    assert open_ones == {"/health", "/files/{file_id}/content"}
    assert all(one.get("error", {}).get("code") != "token_missing" for one in answers.values())


@pytest.mark.parametrize("name", REQUESTS)
def test_every_example_of_a_request_is_valid(name: str):
    assert parse_public_request(REQUESTS[name], parse_allowed("")).model_dump(exclude_defaults=True)


@pytest.mark.parametrize("name", BATCH_REQUESTS)
def test_every_example_of_a_batch_is_valid(name: str):
    assert parse_body(BATCH_REQUESTS[name], parse_allowed("")).spec.defaults


def models() -> list[tuple[str, str, type[BaseModel]]]:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [
        (route.path, method.lower(), route.responses[200]["model"])
        for route in routes
        for method in route.methods
        if "model" in route.responses.get(200, {})
    ]


@pytest.mark.parametrize(("path", "method", "model"), models())
def test_every_example_of_a_response_is_valid(client: httpx.Client, path: str, method: str, model: type[BaseModel]):
    answers = client.get("/openapi.json").json()["paths"][path][method]["responses"]
    good, bad = answers["200"]["content"]["application/json"], answers["default"]["content"]["application/json"]

    assert ErrorEnvelope.model_validate(bad["example"]).model_dump(mode="json") == bad["example"]
    if "example" in good:
        assert model.model_validate(good["example"]).model_dump(mode="json") == good["example"]
    else:  # what is too long for an example is drawn from its fields
        assert path in ("/formats", "/tasks/{task_id}/receipt")
