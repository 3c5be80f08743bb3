"""`penstock convert` converts one file and leaves nothing else."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from penstock.cli import convert as command
from penstock.cli.conversions.running import CANCELLING
from penstock.cli.local import service
from penstock.cli.main import cli
from tests.cli.test_light_commands import DECODERS, HEAVY, SETTINGS
from tests.service import plain_environment, processes_with, wait_for

pytestmark = pytest.mark.service

CHECKOUT = Path(__file__).parents[2]


def test_convert_uses_the_running_service(penstock, clip, tmp_path):
    target = tmp_path / "clip.webm"
    said = convert(penstock.home.root, str(clip), str(target), "--width", "160")

    assert (said.returncode, said.stderr) == (0, "")  # no progress where no terminal is
    sentence = rf"clip.mp4 [\d.]+ kB → {target} [\d.]+ kB \(−\d+ %\), VMAF \d+, [\d.]+ s\n"
    assert re.fullmatch(sentence, said.stdout)
    assert (tmp_path / "clip.webm").read_bytes()[:4] == b"\x1aE\xdf\xa3"


def test_the_first_command_of_the_readme_works_the_second_time_too(penstock, tmp_path, monkeypatch):
    command = re.search(r"uv run --no-dev penstock (convert .+)", (CHECKOUT / "README.md").read_text())
    (tmp_path / "sample").symlink_to(CHECKOUT / "sample")
    (tmp_path / "clip.mp4").write_bytes(b"of the first time")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(cli, shlex.split(command[1]), env={"PENSTOCK_HOME": str(penstock.home.root)})

    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("clip.mov 278.9 kB → clip.mp4 ")


def test_beside_a_running_service_it_loads_neither_its_settings_nor_httpx(penstock, photo, tmp_path):
    program = (
        "import atexit, sys; from penstock.__main__ import main; atexit.register(lambda: print(*sys.modules)); main()"
    )
    words = ["convert", str(photo), str(tmp_path / "light.webp"), "--width", "31", "--home", str(penstock.home.root)]
    variables = Path(f"/proc/{penstock.process.pid}/environ").read_text().rstrip("\0").split("\0")
    same = dict(variable.split("=", 1) for variable in variables)
    said = subprocess.run([sys.executable, "-c", program, *words], env=same, capture_output=True, text=True, check=True)
    # A package that is loaded is there by its own name; a part of httpx is replaced before it could be loaded.
    assert set(said.stdout.split()) & (HEAVY | DECODERS | SETTINGS | {"anyio", "h11"}) == set()


def test_it_prints_the_task_as_json(penstock, photo, tmp_path):
    said = convert(penstock.home.root, str(photo), str(tmp_path / "photo.jpg"), "--json")
    task = json.loads(said.stdout)
    assert (task["status"], task["output"]["format"]) == ("completed", "jpeg")


def test_the_home_keeps_the_records_but_not_the_bytes(penstock, photo, tmp_path):
    said = convert(penstock.home.root, str(photo), str(tmp_path / "kept.webp"), "--width", "33", "--json")
    task = penstock.client.task(json.loads(said.stdout)["id"])
    assert (task["status"], task["output"]) == ("completed", None)


def test_a_refusal_exits_1_with_its_code_and_leaves_the_output_alone(penstock, photo, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"what was here before")
    said = convert(penstock.home.root, str(photo), str(tmp_path / "photo.png"), "--width", "4000", "-y")

    assert said.returncode == 1
    assert said.stderr.startswith("upscale_not_allowed: ")
    assert "--on-upscale" in said.stderr
    assert "on_upscale" not in said.stderr
    assert (tmp_path / "photo.png").read_bytes() == b"what was here before"


@pytest.mark.parametrize(
    "words", [["no-such-file.mp4", "out.mp4"], ["{photo}", "out.xyz"], ["{photo}", "no/folder/out.png"], ["{photo}"]]
)
def test_wrong_usage_exits_2(penstock, photo, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    home = {"PENSTOCK_HOME": str(penstock.home.root)}
    said = CliRunner().invoke(cli, ["convert", *(word.format(photo=photo) for word in words)], env=home)
    assert said.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_replaced_on_request(penstock, photo, tmp_path):
    (tmp_path / "out.webp").write_bytes(b"what was here before")
    said = convert(penstock.home.root, str(photo), str(tmp_path / "out.webp"), "--width", "34", "-y")
    assert (said.returncode, (tmp_path / "out.webp").read_bytes()[8:12]) == (0, b"WEBP"), said.stderr


def test_an_output_that_another_program_wrote_meanwhile_is_not_replaced(penstock, photo, tmp_path, monkeypatch):
    target = tmp_path / "out.webp"
    client_of = service.client_of
    monkeypatch.setattr(command, "client_of", lambda *given: (target.write_bytes(b"theirs"), client_of(*given))[1])
    home = {"PENSTOCK_HOME": str(penstock.home.root)}
    said = CliRunner().invoke(cli, ["convert", str(photo), str(target), "--width", "35"], env=home)

    assert (said.exit_code, target.read_bytes()) == (2, b"theirs")
    assert "During the conversion another program created OUTPUT" in said.stderr
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_exits_130_and_leaves_nothing(penstock, long_video, tmp_path, number):
    with started(penstock.home.root, str(long_video), str(tmp_path / "film.mp4"), "--height", "690") as running:
        wait_for(lambda: processes_with("ffmpeg", "output.mp4", ":690"), 60)
        running.send_signal(number)
        assert running.wait(30) == 130
        assert running.stderr.read() == ("" if number == signal.SIGHUP else f"{CANCELLING}\nCancelled.\n")

    wait_for(lambda: not processes_with("ffmpeg", "output.mp4", ":690"), 5)
    assert list(tmp_path.iterdir()) == []


def convert(home, *words):
    command = [sys.executable, "-m", "penstock", "convert", *words, "--home", str(home)]
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True, timeout=170, check=False)


def started(home, *words):
    command = [sys.executable, "-m", "penstock", "convert", *words, "--home", str(home)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=plain_environment(), text=True, **pipes)
