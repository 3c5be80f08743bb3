"""`penstock schedule` makes schedules that Prefect runs, and that a later `penstock deploy` leaves alone."""

import subprocess
import sys

import pytest

from tests.pictures import picture
from tests.service import csrf, exported, plain_environment, wait_for

pytestmark = pytest.mark.service

FOLDERS = ("inbox", "done")


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
        removed = schedule(penstock, "remove", "inbox")
    assert removed.stdout == "inbox: removed\n"
    assert "inbox" not in schedule(penstock, "list").stdout


def test_deploying_keeps_what_people_added_and_paused(penstock, folders):
    inbox, done = folders
    for name in ("nightly", "nightly-photos"):
        said = schedule(penstock, "add", name, str(inbox), str(done), "--format", "mp3", "--cron", "0 2 * * *")
        assert said.returncode == 0, said.stderr
    assert schedule(penstock, "pause", "nightly").stdout == "nightly: paused\n"
    hourly = patch_hourly(penstock, active=False)
    try:
        subprocess.run([sys.executable, "-m", "penstock", "deploy"], env=exported(penstock), check=True)
        listed = schedule(penstock, "list").stdout
        assert "nightly · paused · 0 2 * * * UTC\n" in listed
        assert "nightly-photos · active · 0 2 * * * UTC\n" in listed
        assert not patch_hourly(penstock, active=True)["active"]
        assert hourly["schedule"]["cron"] == "17 * * * *"
    finally:
        for name in ("nightly", "nightly-photos"):
            schedule(penstock, "remove", name)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cron", "0 2 * *"), "A cron expression has five fields: minute, hour,"),
        (("--cron", "0 2 * * *", "--timezone", "Mars/Base"), "Mars/Base is no time zone"),
        ((), "Give one of --cron and --every."),
        (("--cron", "0 2 * * *", "--manifest", "{tmp}/result.csv"), "start the service with PENSTOCK_BATCH_ROOTS="),
    ],
)
def test_what_cannot_be_scheduled_is_refused_with_what_to_do(penstock, folders, tmp_path, words, message):
    inbox, done = folders
    given = (word.format(tmp=tmp_path) for word in words)
    said = schedule(penstock, "add", "wrong", str(inbox), str(done), "--format", "webp", *given)
    assert (said.returncode, message in said.stderr) == (2, True), said.stderr


def test_an_unknown_schedule_is_told(penstock):
    said = schedule(penstock, "pause", "nobody")
    assert (said.returncode, "There is no schedule nobody" in said.stderr) == (1, True)


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
