"""Cleanup is a scheduled flow."""

import time

import pytest

from penstock.host.scratch import CREATION_SECONDS
from tests.service import csrf, wait_for

pytestmark = pytest.mark.service


def test_the_sweep_is_scheduled_every_hour(penstock):
    deployment = penstock.prefect.get("/deployments/name/sweep/sweep").json()
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["17 * * * *"]


def test_a_schedule_creates_runs(penstock):
    deployment = penstock.prefect.get("/deployments/name/sweep/sweep").json()
    wanted = {
        "deployments": {"id": {"any_": [deployment["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }

    def coming():
        return penstock.prefect.post("/flow_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()

    assert all(run["auto_scheduled"] for run in wait_for(coming, 60))


def test_the_sweep_removes_the_folder_of_a_dead_run(penstock):
    dead = penstock.home.root / "scratch" / "tsk_dead-run"
    dead.mkdir(parents=True)
    wait_for(lambda: time.time() - dead.stat().st_ctime > CREATION_SECONDS + 1)
    deployment = penstock.prefect.get("/deployments/name/sweep/sweep").json()
    created = penstock.prefect.post(f"/deployments/{deployment['id']}/create_flow_run", json={}, headers=csrf(penstock))
    run = created.raise_for_status().json()

    wait_for(lambda: penstock.prefect.get(f"/flow_runs/{run['id']}").json()["state_type"] == "COMPLETED", 60)
    assert not dead.exists()
