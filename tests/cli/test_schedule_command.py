"""`penstock schedule` makes schedules that Prefect runs, and that a later `penstock deploy` leaves alone."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.pictures import picture
from tests.service import csrf, exported, plain_environment, wait_for

pytestmark = pytest.mark.service

FOLDERS = ("inbox", "done")
# Several commands in a row in one process: each new one loads Prefect for seconds.
SEVERAL = """
import json, sys
from click.testing import CliRunner
from penstock.cli.main import cli
for words in json.loads(sys.argv[1]):
    said = CliRunner().invoke(cli, ["schedule", *words])
    print(json.dumps([said.exit_code, said.stdout, said.stderr]))
"""


@dataclass(frozen=True)
class Said:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def folders(penstock):
    """An empty source and its destination, which schedules may use."""
    inbox, done = (penstock.home.root.parent / "allowed" / name for name in FOLDERS)
    inbox.mkdir(parents=True, exist_ok=True)
    return inbox, done


def test_a_drop_folder_is_converted_as_files_arrive_and_an_empty_one_is_in_order(penstock, folders):
    inbox, done = folders
    words = ("--format", "webp", "--width", "64", "--every", "10", "--min-age-seconds", "1")
    added = schedule(penstock, "add", "inbox", str(inbox), str(done), *words)
    assert (added.returncode, added.stdout) == (0, "inbox: every 10 s\n"), added.stderr
    try:
        wait_for(lambda: "no lines" in messages(penstock), 90)
        assert "last: 20" in schedule(penstock, "list").stdout
        picture(inbox / "new" / "arrived.jpg")
        wait_for((done / "new" / "arrived.webp").is_file, 60)
        wait_for(lambda: "1 converted" in messages(penstock), 60)
    finally:
        removed, listed = schedules(penstock, ("remove", "inbox"), ("list",))
    assert removed.stdout == "inbox: removed\n"
    assert "inbox" not in listed.stdout


def test_deploying_keeps_what_people_added_and_paused(penstock, folders):
    inbox, done = folders
    names = ("nightly", "nightly-photos")
    adding = [("add", name, str(inbox), str(done), "--format", "mp3", "--cron", "0 2 * * *") for name in names]
    *added, paused = schedules(penstock, *adding, ("pause", "nightly"))
    assert [said.returncode for said in added] == [0, 0], added
    assert paused.stdout == "nightly: paused\n"
    hourly = patch_hourly(penstock, active=False)
    subprocess.run([sys.executable, "-m", "penstock", "deploy"], env=exported(penstock), check=True)
    listed, *removed = schedules(penstock, ("list",), *[("remove", name) for name in names])
    assert "nightly · paused · 0 2 * * * UTC\n" in listed.stdout
    assert "nightly-photos · active · 0 2 * * * UTC\n" in listed.stdout
    assert [said.returncode for said in removed] == [0, 0]
    assert not patch_hourly(penstock, active=True)["active"]
    assert hourly["schedule"]["cron"] == "17 * * * *"


def test_what_cannot_be_done_is_refused_with_what_to_do(penstock, folders, tmp_path):
    add = ("add", "wrong", *map(str, folders), "--format", "webp")
    nightly = (*add, "--cron", "0 2 * * *")
    refused = {
        "A cron expression has five fields: minute, hour,": (*add, "--cron", "0 2 * *"),
        "Mars/Base is no time zone": (*nightly, "--timezone", "Mars/Base"),
        "Give one of --cron and --every.": add,
        "start the service with PENSTOCK_BATCH_ROOTS=": (*nightly, "--manifest", str(tmp_path / "result.csv")),
        "There is no schedule nobody": ("pause", "nobody"),
    }
    said = schedules(penstock, *refused.values())
    assert [message for message, each in zip(refused, said, strict=True) if message not in each.stderr] == []
    assert [each.returncode for each in said] == [2, 2, 2, 2, 1]


def patch_hourly(penstock, *, active):
    """The hourly schedule of the sweep as it is; afterwards it is active, or not."""
    deployment = penstock.prefect.get("/deployments/name/sweep/sweep").raise_for_status().json()
    (schedule,) = (each for each in deployment["schedules"] if each["slug"] == "hourly")
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    penstock.prefect.patch(path, json={"active": active}, headers=csrf(penstock)).raise_for_status()
    return schedule


def messages(penstock):
    """Those of all runs that have ended; `list` shows that of the last, which the next look replaces."""
    ended = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    wanted = ended | {"deployments": {"name": {"any_": ["convert-batch"]}}, "sort": "END_TIME_DESC"}
    found = penstock.prefect.post("/flow_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()
    return [run["state"]["message"] for run in found]


def schedule(penstock, *words):
    command = [sys.executable, "-m", "penstock", "schedule", *words, "--home", str(penstock.home.root)]
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True, timeout=60, check=False)


def schedules(penstock, *commands):
    """What each of these commands says, in order."""
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root)}
    argv = [sys.executable, "-c", SEVERAL, json.dumps(commands)]
    said = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=90, check=True).stdout
    return [Said(*json.loads(line)) for line in said.splitlines()]
