"""`penstock convert` without a running service starts one, which lingers; `status` and `stop`."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import penstock
from tests.service import children_of, open_to_others, processes_of, processes_with, wait_for
from tests.standalone.conftest import lingering, run_on

pytestmark = pytest.mark.service

PACKAGE = Path(penstock.__file__).parent


def test_a_wheel_has_one_package_with_all_modules(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {name.split("/")[0] for name in names} == {"penstock", "-".join(wheel.name.split("-")[:2]) + ".dist-info"}
    modules = {name for name in names if name.startswith("penstock/") and not name.startswith("penstock/site/")}
    assert {f"penstock/{name}" for name in ours()} == modules


def ours():
    """The files of `penstock` in the checkout by their path in the package; three folders are links."""
    found = [Path(folder) / name for folder, _, names in os.walk(PACKAGE, followlinks=True) for name in names]
    return {str(path.relative_to(PACKAGE)) for path in found if path.suffix != ".pyc"}


def test_two_commands_at_once_on_an_empty_home_share_a_service(first_convert):
    assert [said.returncode for said in first_convert.said] == [0, 0], first_convert.said
    assert [output.read_bytes()[:4] for output in first_convert.outputs] == [b"fLaC", b"RIFF"]
    told = "".join(said.stderr for said in first_convert.said)
    assert told.count("The service keeps running for 10 min; `penstock stop` ends it.") == 1
    assert len([line for line in processes_of(first_convert.home) if " up " in line and "--linger" in line]) >= 1


def test_the_home_is_private_and_the_outputs_are_not(first_convert):
    assert open_to_others(first_convert.home) == []
    assert [output.stat().st_mode & 0o777 for output in first_convert.outputs] == [0o644, 0o644]
    key = (first_convert.home / "secrets" / "api_key").read_text()
    logs = (first_convert.home / "logs").iterdir()
    assert [log.name for log in logs if key in log.read_text(errors="replace")] == []


@pytest.fixture
def status(first_convert, photo, tmp_path):
    """Of a service that a command has started and that lingers."""
    run_on(first_convert.home, "convert", str(photo), str(tmp_path / "one.webp"), "--width", "40")
    return json.loads(run_on(first_convert.home, "status", "--json").stdout)


def test_status_tells_what_runs_with_which_memory_and_when_it_ends(status):
    assert (status["state"], status["unfinished"], status["is_used"]) == ("running", 0, False)
    assert status["memory"].keys() == {"up", "postgres", "prefect", "api", "worker-1"}
    assert status["memory_total"] == sum(status["memory"].values()) > 10**8
    assert 500 < status["ends_in_seconds"] <= 600


def test_the_next_command_uses_the_service_also_when_a_part_of_it_was_killed(status, first_convert, photo, tmp_path):
    for part in children_of(status["process"]):
        os.kill(part, signal.SIGKILL)
    said = run_on(first_convert.home, "convert", str(photo), str(tmp_path / "two.webp"), "--width", "41")
    now = json.loads(run_on(first_convert.home, "status", "--json").stdout)

    assert (said.returncode, now["process"]) == (0, status["process"]), said.stderr


def test_one_that_was_killed_is_replaced_and_the_new_one_ends_by_itself(status, first_convert, photo, tmp_path):
    os.kill(status["process"], signal.SIGKILL)
    said = run_on(first_convert.home, "convert", str(photo), str(tmp_path / "three.webp"), "--width", "42", linger=1)

    assert said.returncode == 0, said.stderr
    wait_for(lambda: processes_of(first_convert.home) == [])
    assert run_on(first_convert.home, "status").returncode == 3


def test_an_interrupted_command_takes_its_service_and_output_with_it(home, long_video, tmp_path):
    command = [sys.executable, "-m", "penstock", "convert", str(long_video), str(tmp_path / "film.mp4")]
    running = subprocess.Popen([*command, "--height", "688", "--home", str(home)], env=lingering(600))
    wait_for(lambda: processes_with("ffmpeg", "output.mp4", ":688"), 90)
    running.send_signal(signal.SIGINT)

    assert running.wait(60) == 130
    wait_for(lambda: processes_of(home) == [])
    assert list(tmp_path.iterdir()) == []


def test_stop_says_that_nothing_runs(home):
    said = run_on(home, "stop")
    assert (said.returncode, said.stdout) == (0, f"No service runs on {home}.\n")
    assert processes_of(home) == []
