"""`prefect.yaml` is what a Prefect user applies: it must be complete and true."""

import pytest
from prefect import Flow
from prefect.utilities.importtools import import_object

from penstock.deployments.bootstrap import project
from penstock.orchestration.lanes import QUEUES
from penstock.orchestration.serving import POOL

DEPLOYMENTS = {entry["name"]: entry for entry in project()["deployments"]}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_entrypoint_is_a_module_path_to_a_flow(name):
    entrypoint = DEPLOYMENTS[name]["entrypoint"]

    assert ":" not in entrypoint
    assert isinstance(import_object(entrypoint), Flow)


def test_code_comes_from_the_installed_package_alone():
    assert project()["pull"] == []


def made():
    return {
        (pool["name"], queue["name"]) for pool in project()["definitions"]["work_pools"] for queue in pool["queues"]
    }


def test_every_queue_that_runs_are_sent_to_is_made():
    assert {(POOL, queue) for queue in QUEUES.values()} <= made()


def test_every_deployment_has_a_pool_and_a_queue_that_are_made():
    for entry in DEPLOYMENTS.values():
        assert (entry["work_pool"]["name"], entry["work_pool"]["work_queue_name"]) in made()


def test_the_triggered_flow_takes_ids_and_nothing_else():
    flow = import_object(DEPLOYMENTS["convert-source"]["entrypoint"])
    assert set(flow.parameters.properties) == {"task_id", "attempt"}


def test_the_form_of_a_request_offers_the_choices():
    flow = import_object(DEPLOYMENTS["convert-request"]["entrypoint"])
    request = flow.parameters.model_dump()["definitions"]["SourceRequest"]["properties"]

    assert request["kind"]["enum"] == ["video", "audio", "image"]
    assert "quality" in request
