"""`/docs`, `/formats` and `/health` tell what there is."""

from dataclasses import replace

import httpx
import pytest

from penstock.domain.compatibility import CONTAINERS
from penstock.domain.formats import FORMATS
from penstock.domain.request import SourceRequest
from penstock.services import Services

from .conftest import PretendedRuns, Project, serving


def test_the_documentation_is_open_and_knows_the_body(client: httpx.Client):
    told = client.get("/openapi.json").json()
    body = told["paths"]["/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert client.get("/docs").status_code == 200
    assert set(body["properties"]) == set(SourceRequest.model_fields)
    assert told["paths"]["/sources"]["post"]["requestBody"] == told["paths"]["/tasks"]["post"]["requestBody"]


def test_the_documentation_knows_every_field_of_a_task(client: httpx.Client, project: Project):
    task = client.post("/tasks", json={"url": "http://a.com/b", "kind": "audio", "format": "mp3"}, **project()).json()
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    assert list(schemas["TaskView"]["properties"]) == list(task["data"])
    assert list(schemas["Meta"]["properties"]) == list(task["meta"])


def test_the_matrix_says_why_a_pair_is_refused(client: httpx.Client, project: Project):
    data = client.get("/formats", **project()).json()["data"]
    rows = {row["container"]: {one["kind"]: one["outputs"] for one in row["inputs"]} for row in data["matrix"]}
    [mp3] = [cell for cell in rows["mov"]["video"] if cell["format"] == "mp3"]

    assert [one["format"] for one in data["formats"]] == list(FORMATS)
    assert set(rows) == set(CONTAINERS)
    assert (mp3["allowed"], "mp3" in mp3["reason"]) == (False, True)


def test_a_lifted_pair_is_shown_as_allowed(parts: Services, runs: PretendedRuns, project: Project):
    with serving(replace(parts, lifted=frozenset({("mov", "mp3")})), runs) as client:
        rows = client.get("/formats", **project()).json()["data"]["matrix"]
    cells = [cell for row in rows if row["container"] == "mov" for cell in row["inputs"][0]["outputs"]]

    assert [cell["allowed"] for cell in cells if cell["format"] == "mp3"] == [True]


def test_health_needs_no_key_and_names_the_dependencies(client: httpx.Client):
    told = client.get("/health").json()

    assert told["data"] == {
        "object": "health",
        "status": "ok",
        "dependencies": {"database": "ok", "storage": "ok", "prefect": "ok", "workers": "ok"},
    }
    assert told["meta"]["project_id"] is None


@pytest.mark.parametrize("away", ["prefect", "workers"])
def test_what_runs_are_made_of_being_away_is_degraded_and_still_a_200(parts: Services, away: str):
    with serving(parts, PretendedRuns(**{away: "degraded"})) as client:
        answered = client.get("/health")

    assert answered.status_code == 200
    told = answered.json()["data"]
    assert (told["status"], told["dependencies"][away]) == ("degraded", "degraded")
    assert list(told["dependencies"].values()).count("ok") == 3
