"""The smaller commands do what their help says."""

import json
import subprocess
import sys

import jwt
import pytest
from click.testing import CliRunner

from benchmarks.harness.json_client import JsonClient, Refused
from penstock.cli.main import cli
from penstock.deployments.bootstrap import load_prefect_yaml
from tests.service import csrf, exported

pytestmark = pytest.mark.service


def test_doctor_passes_on_a_running_service(penstock):
    said = penstock_says(penstock, "doctor")
    assert said.returncode == 0, said.stdout
    assert [line[0] for line in said.stdout.splitlines()] == ["✓"] * 10


def test_a_new_key_works_until_it_is_revoked(penstock):
    key_id, token = penstock_tells(penstock, "keys", "create").stdout.split()
    with JsonClient(penstock.service.api_url, token) as client:
        with pytest.raises(Refused, match="task"):
            client.task("tsk_abcdefghijklmnop")
        assert key_id in penstock_tells(penstock, "keys", "list").stdout
        penstock_tells(penstock, "keys", "revoke", key_id)
    assert "revoked" in next(line for line in listed(penstock) if line.startswith(key_id))


def test_a_rotated_key_and_its_predecessor_both_work(penstock):
    key_id, token = penstock_tells(penstock, "keys", "create").stdout.split()
    _, fresh = penstock_tells(penstock, "keys", "rotate", key_id, "--overlap-hours", "1").stdout.split()
    for each in (token, fresh):
        with JsonClient(penstock.service.api_url, each) as client, pytest.raises(Refused, match="task"):
            client.task("tsk_abcdefghijklmnop")
    assert "expires" in next(line for line in listed(penstock) if line.startswith(key_id))


def test_a_receipt_is_verified_with_the_receipt_key(penstock, origin, photo):
    secret = penstock_tells(penstock, "keys", "secret").stdout.strip()
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 93})
    receipt = jwt.decode(penstock.client.receipt(task["id"])["signature"], secret, algorithms=["HS256"])
    assert receipt["output"]["sha256"] == task["output"]["sha256"]


def test_formats_are_printed_in_groups_that_become_the_same_and_as_json(penstock):
    told = penstock_tells(penstock, "formats").stdout.split("\n\n")
    refused = next(group for group in told if group.startswith("audio becomes wav ogg flac\n"))
    assert refused.split("\n")[1:] == ["  QuickTime"]
    cells = json.loads(penstock_tells(penstock, "formats", "--json").stdout)
    assert {"container", "label", "tested", "inputs"} == set(cells[0])
    assert [("Bink*" in told[0], "Bink," in told[0]), told[-1][0]] == [(True, False), "*"]
    assert all(" ".join(group.split()).count("MP4, MPEG-4 audio, 3GPP") == 1 for group in (told[0], told[2]))


def test_deploy_can_be_repeated_and_restores_its_own_saved_filters_but_not_those_of_people(penstock):
    names = [f"{entry['name']}/{entry['name']}" for entry in load_prefect_yaml()["deployments"]]
    ours, theirs = "Penstock: films", "films of ours"
    before = saved_filters(penstock)
    for name in (ours, theirs):
        changed = {"name": name, "filters": []}
        penstock.prefect.put("/saved_searches/", json=changed, headers=csrf(penstock)).raise_for_status()
    assert penstock_says(penstock, "deploy").stdout.split() == names

    after = saved_filters(penstock)
    assert after.pop(theirs) == []
    assert (after[ours] != [], after) == (True, before)


def saved_filters(penstock):
    found = penstock.prefect.post("/saved_searches/filter", json={}, headers=csrf(penstock)).raise_for_status().json()
    return {each["name"]: each["filters"] for each in found}


def test_cancel_reports_its_error(penstock):
    said = penstock_says(penstock, "cancel", "tsk_abcdefghijklmnop")
    assert (said.returncode, said.stderr) == (1, "Error: There is no such task.\n")


@pytest.mark.parametrize("part", ["api", "deploy", "worker"])
def test_a_process_that_runs_alone_needs_the_prefect_url(part, tmp_path):
    said = CliRunner().invoke(cli, [part], env={"PREFECT_API_URL": None, "PENSTOCK_HOME": str(tmp_path)})
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert said.stderr.startswith("Error: Set PREFECT_API_URL")


def test_a_bug_is_not_shown_as_a_usage_error(monkeypatch):
    monkeypatch.setattr("penstock.cli.formats.conversion_matrix", lambda _lifted: {}["status"])
    with pytest.raises(KeyError, match="status"):
        CliRunner().invoke(cli, ["formats"], catch_exceptions=False)


def listed(penstock):
    return penstock_tells(penstock, "keys", "list").stdout.splitlines()


def penstock_says(penstock, *words):
    return run(exported(penstock), *words)


def penstock_tells(penstock, *words):
    """The same in this process, for commands that need no Prefect: a new process takes seconds."""
    told = CliRunner().invoke(cli, words, env=exported(penstock))
    assert told.exit_code == 0, told.output
    return told


def run(environment, *words):
    command = [sys.executable, "-m", "penstock", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
