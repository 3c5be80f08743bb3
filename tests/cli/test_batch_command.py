"""`penstock batch` converts a folder as a shell loop should: the tree is kept, nothing is done twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from penstock.cli.main import cli
from tests.pictures import MODIFIED, photo_folder, picture, tree
from tests.service import plain_environment, wait_for

pytestmark = pytest.mark.service

OUTPUTS = {"2024/Ferien am Meer/Bild 1.webp", "2024/Müller/größe.webp", "top.webp"}


@pytest.fixture
def photos(tmp_path):
    return photo_folder(tmp_path / "my photos")


def test_a_folder_becomes_a_folder_with_the_same_tree_and_is_never_converted_twice(penstock, photos, tmp_path):
    out = tmp_path / "out"
    words = (str(photos), str(out), "--format", "webp", "--width", "320")
    first = batch(penstock.home.root, *words)

    assert first.returncode == 1, first.stderr
    totals, code, example, place = first.stdout.splitlines()
    assert totals.startswith("3 converted, 1 skipped, 1 failed · ")
    assert code == "  input_unreadable  1  The file is damaged or no media; open it with its own program."
    assert example.startswith("  2024/damaged.jpg: ")
    assert place == f"Manifest: {out / 'manifest.jsonl'}"
    assert tree(out) == OUTPUTS | {"manifest.jsonl"}
    assert {(out / name).stat().st_mtime for name in OUTPUTS} == {MODIFIED}
    assert [line["status"] for line in manifest(out)] == ["completed", "completed", "failed", "skipped", "completed"]

    picture(photos / "2024" / "damaged.jpg")
    again = batch(penstock.home.root, *words, "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    told = json.loads(again.stdout)
    assert (told["object"], told["status"]) == ("batch", "completed")
    assert (told["counts"]["completed"], told["counts"]["skipped"]) == (1, 4)
    assert tree(out) == OUTPUTS | {"manifest.jsonl", "2024/damaged.webp"}


def test_a_plan_converts_nothing_and_can_be_given_back_as_a_batch(penstock, photos, tmp_path):
    out, result = tmp_path / "out", tmp_path / "result.csv"
    planned = batch(penstock.home.root, str(photos), str(out), "--format", "jpg", "--plan")

    assert planned.returncode == 1, planned.stderr
    assert planned.stdout.startswith("3 convert, 1 skip, 1 refuse: input_unreadable 1 · ")
    assert tree(out) == {"manifest.jsonl"}
    lines = [line for line in manifest(out) if line["status"] == "planned"]
    plan = tmp_path / "plan.jsonl"
    plan.write_text("".join(json.dumps(line) + "\n" for line in lines))

    done = batch(penstock.home.root, str(plan), str(out), "--manifest", str(result))
    assert done.returncode == 0, done.stdout + done.stderr
    assert tree(out) == {name.replace(".webp", ".jpg") for name in OUTPUTS} | {"manifest.jsonl"}
    assert result.read_bytes().startswith(b"\xef\xbb\xbfinput,output,status,")


def test_each_line_of_a_manifest_may_want_something_else(penstock, photos, tmp_path):
    given = tmp_path / "wanted.csv"
    given.write_text("input;format;width;output\nmy photos/top.jpg;png;32;a/small.png\nmy photos/no.jpg;png;32;\n")
    out = tmp_path / "out"
    done = batch(penstock.home.root, str(given), str(out), "--title", "two lines")

    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[1].startswith("  input_unreachable  1  ")
    assert (out / "a" / "small.png").read_bytes()[:4] == b"\x89PNG"
    assert "two lines" in says(penstock.home.root, "list")


def test_a_batch_can_be_paused_and_interrupted_and_goes_on_where_it_stopped(penstock, tmp_path):
    for number in range(250):
        picture(tmp_path / "many" / f"{number:03}.jpg")
    out = tmp_path / "out"
    words = [sys.executable, "-m", "penstock", "batch", str(tmp_path / "many"), str(out), "--format", "webp"]
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root)}
    running = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: out.is_dir() and list(out.rglob("*.webp")), 60)
    batch_id = says(penstock.home.root, "list").split()[0]

    assert says(penstock.home.root, "pause", batch_id) == "paused\n"
    assert says(penstock.home.root, "show", batch_id).startswith("many → webp · paused\n")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert told.startswith("Cancelled: ")
    assert told.endswith("The same command goes on where it stopped.\n")

    before = len(list(out.rglob("*.webp")))
    done = batch(penstock.home.root, str(tmp_path / "many"), str(out), "--format", "webp", "--json")
    counts = json.loads(done.stdout)["counts"]
    assert (done.returncode, counts["completed"], counts["skipped"]) == (0, 250 - before, before)


WRONG = {
    "nothing/here out --format webp": "There is no file or folder nothing/here.",
    "photos out": "Give the format of the outputs",
    "photos out --format webbp": "webbp is no output format; did you mean webp?",
    "photos out --format mp3 --width 9": "width does not apply to mp3",
    "photos out --format webp --name {stm}": "{stm} is not a placeholder; did you mean {stem}?",
    "photos ./photos/. --format webp": "DEST is SOURCE; choose another folder.",
    "photos photos/notes.txt --format webp": "is a file",
    "photos/top.jpg out --format webp": "For one file there is `penstock convert`",
    "bad.csv out --format webp": "bad.csv is no manifest: ",
    "photos out --format webp --manifest photos": "must end with .csv or .jsonl",
    "https://example.com/a out --format webp": "SOURCE cannot be a URL",
    "photos nosuch://a/b --format webp": "This protocol is unknown here",
    "photos": "Missing argument 'DEST'",
}


@pytest.mark.parametrize(("words", "message"), WRONG.items())
def test_wrong_usage_is_told_before_anything_is_started(tmp_path, monkeypatch, words, message):
    photo_folder(tmp_path / "photos")
    (tmp_path / "bad.csv").write_text("colour,input\nred,a.jpg\n")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(cli, ["batch", *words.split()], env={"PENSTOCK_HOME": str(tmp_path / "home")})

    assert (said.exit_code, message in said.stderr) == (2, True), said.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "bad.csv"}


def test_an_interrupt_before_the_batch_is_submitted_has_the_exit_code_of_one(tmp_path, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    photo_folder(tmp_path / "photos")
    monkeypatch.setattr("penstock.cli.batch.used_service", interrupted)
    words = [str(tmp_path / "photos"), str(tmp_path / "out"), "--format", "webp"]

    assert CliRunner().invoke(cli, ["batch", *words], env={"PENSTOCK_HOME": str(tmp_path / "home")}).exit_code == 130


def test_the_help_shows_the_conversion_and_the_subcommands():
    shown = CliRunner().invoke(cli, ["batch", "--help"]).stdout
    assert "batch [OPTIONS] SOURCE DEST" in shown
    assert all(f"\n  {name} " in shown for name in ("list", "show", "pause", "resume", "cancel"))


def batch(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock", "batch", *words, "--home", str(home)]
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True, timeout=120, check=False)


def says(home: Path, *words: str) -> str:
    told = CliRunner().invoke(cli, ["batch", *words], env={"PENSTOCK_HOME": str(home)})
    assert told.exit_code == 0, told.output
    return told.stdout


def manifest(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
