"""The warm worker imports flows of Penstock and nothing else, whatever a deployment names."""

import pytest

import penstock.deployments.bootstrap
from penstock.orchestration.worker.warm_worker import own_flow


@pytest.mark.parametrize("deployment", penstock.deployments.bootstrap.load_prefect_yaml()["deployments"])
def test_our_deployments_name_our_flows(deployment):
    assert own_flow(deployment["entrypoint"]).name


@pytest.mark.parametrize(
    "entrypoint",
    [
        "", "os.system", "antigravity.fly", "flows.convert.convert_source", "/tmp/evil.py:run", "evil.py:run",
        "penstock.flows.convert.convert_source:x", "penstock.cli.main.cli", "penstock.flows.convert.Task",
        "penstock.flows.convert.validate",
    ],
)  # fmt: skip
def test_no_other_entrypoint_is_run(entrypoint):
    with pytest.raises(LookupError):
        own_flow(entrypoint)
