"""`GET /metrics` of a real service: what was done is counted, and other projects may not read it."""

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from penstock.cli.main import cli
from tests.service import exported, wait_for

pytestmark = pytest.mark.service


def metrics(penstock, key=None):
    headers = {"Authorization": f"Bearer {key or penstock.key}"}
    return httpx.get(f"{penstock.service.api_url}/metrics", headers=headers, trust_env=False)


def samples(penstock):
    families = text_string_to_metric_families(metrics(penstock).text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_a_conversion_is_counted_with_its_end_and_its_stages(penstock, photo):
    wanted = [("penstock_tasks_accepted_total", "image"), ("penstock_tasks_ended_total", "completed")]
    wanted += [("penstock_stage_seconds_count", stage) for stage in ("fetch", "transcode", "upload", "record")]
    before = samples(penstock)
    penstock.converted({"file_id": penstock.client.upload(photo)["id"], "kind": "image", "format": "webp", "width": 77})
    wait_for(lambda: all(samples(penstock).get(name, 0) > before.get(name, 0) for name in wanted), 60)


def test_it_needs_a_key_of_the_default_project(penstock):
    made = CliRunner().invoke(cli, ["keys", "create", "--new-project", "metrics"], env=exported(penstock)).stdout
    told = metrics(penstock, made.split()[-1])
    assert (told.status_code, told.json()["error"]["code"]) == (404, "not_found")
    assert httpx.get(f"{penstock.service.api_url}/metrics", trust_env=False).status_code == 401
