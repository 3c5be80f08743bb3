"""Several inputs, and standard input and output."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from penstock.cli.conversions.several import conversions_of, usage_error
from penstock.cli.main import cli
from tests.documentation.pages import blocks, run
from tests.service import plain_environment

pytestmark = pytest.mark.media


@pytest.fixture
def here(tmp_path, monkeypatch, photo, clip):
    (tmp_path / "a.png").write_bytes(photo.read_bytes())
    (tmp_path / "b.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "a.gif").symlink_to("b.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def convert(here, penstock):
    home = {"PENSTOCK_HOME": str(penstock.home.root)}
    return lambda *words, **given: CliRunner().invoke(cli, ["convert", *words], env=home, **given)


@pytest.fixture
def refused(here):
    """The message of a refusal for which no service is started: there is no home."""

    def refuse(*words):
        said = CliRunner().invoke(cli, ["convert", *words, "--home", str(here / "home")])
        assert (said.exit_code != 0, (here / "home").exists()) == (True, False)
        return said.stderr.splitlines()[-1]

    return refuse


@pytest.mark.service
def test_every_input_becomes_a_file_beside_it_and_a_failure_stops_no_other(convert, here):
    said = convert("a.png", "text.png", "gone.png", "b.mp4", "--to", "jpg", "--width", "120")

    assert said.exit_code == 1
    assert sorted(line.split()[0] for line in said.stdout.splitlines()) == ["a.png", "b.mp4"]
    assert [line.split(": ")[0] for line in said.stderr.splitlines()] == ["gone.png", "text.png"]
    assert [(here / name).read_bytes()[:2] for name in ("a.jpg", "b.jpg")] == [b"\xff\xd8"] * 2
    assert not (here / "text.jpg").exists()


@pytest.mark.service
def test_outputs_are_written_to_a_folder_and_existing_ones_kept_unless_asked(convert, here):
    (here / "made").mkdir()
    (here / "made" / "a.webp").write_bytes(b"before")
    words = ("a.png", "b.mp4", "--to", "webp", "-d", "made", "--width", "121", "--json")
    first, second = convert(*words), convert(*words, "-y")

    assert (first.exit_code, first.stderr.partition(": ")[0], second.exit_code) == (1, "a.png", 0)
    assert [json.loads(line)["status"] for line in second.stdout.splitlines()] == ["completed"] * 2
    assert (here / "made" / "a.webp").read_bytes()[8:12] == b"WEBP"


@pytest.mark.service
def test_standard_input_and_output_are_files_like_others(convert, here):
    said = convert("-", "-", "--format", "png", "--width", "122", input=(here / "a.png").read_bytes())
    assert said.exit_code == 0, said.stderr
    assert said.stdout_bytes.startswith(b"\x89PNG")
    assert said.stderr.startswith("standard input ")
    assert " → standard output " in said.stderr


@pytest.mark.service
def test_what_fails_writes_nothing_to_standard_output(convert):
    said = convert("text.png", "-", "--to", "png")
    assert (said.exit_code, said.stdout_bytes, said.stderr.partition(":")[0]) == (1, b"", "input_unreadable")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("a.png", "out.png", "--width", "4000"), "upscale_not_allowed"),
        (("a.png", "out.mp4"), "kind_incompatible"),
        (("text.png", "out.png"), "input_unreadable"),
        (("a.png", "text.png", "--to", "mp3"), "text.png: input_unreadable"),
    ],
)
def test_a_refusal_comes_before_a_service_is_started(refused, words, error):
    assert refused(*words).startswith(f"{error}: ")


@pytest.mark.service
@pytest.mark.parametrize("words", [("--width", "4000"), ("--quality", "3"), ("--start", "1")])
def test_a_refusal_has_the_words_that_a_running_service_has(convert, refused, words):
    assert refused("a.png", "out.png", *words) == convert("a.png", "out.png", *words).stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("a.png",), "Give OUTPUT, or --to FORMAT"),
        (("a.png", "b.mp4", "out.png"), "Give one INPUT and one OUTPUT; for several INPUTs give --to FORMAT"),
        (("a.png", "out.png", "-d", "made"), "--output-folder is for --to FORMAT."),
        (("a.png", "--to", "png", "--format", "png"), "Give --to or --format, not both."),
        (("-", "--to", "png"), "Standard input has no name"),
        (("a.png", "./a.mp4", "--to", "webp"), "a.png and ./a.mp4 would all be written to a.webp"),
        (("a.png", "{here}/a.mp4", "--to", "webp", "-y"), "a.png and {here}/a.mp4 would all be written to a.webp"),
        (("b.mp4", "b.gif", "--to", "gif", "-y"), "b.mp4 and b.gif would all be written to b.gif"),
        (("a.png", "b.mp4", "--to", "gif", "-y"), "a.png would be written to a.gif, which is an INPUT too"),
        (("a.png", "-", "--to", "png", "-d", "made"), "Standard input has no name"),
    ],
)
def test_words_that_name_no_output_of_their_own_are_wrong_usage(refused, here, words, error):
    said = refused(*(word.format(here=here) for word in words))
    assert said.startswith(f"Error: {error.format(here=here)}")


def test_names_of_files_do_not_control_the_terminal(refused):
    assert refused("\x1b[2J\n.png", "out.png") == "Error: There is no file \\x1b[2J\\n.png."
    assert refused("\x9b2J\u202e.png", "gone.png", "--to", "png") == "gone.png: There is no file gone.png."


@pytest.mark.service
def test_a_name_that_is_no_utf_8_is_converted_and_told(convert, here):
    name = os.fsdecode(b"\xff\x1b[2J.png")
    shutil.copy(here / "a.png", here / name)
    said = convert(name, "-", "--to", "png", "--width", "122")
    assert (said.exit_code, said.stderr.split(" ")[0]) == (0, "\\udcff\\x1b[2J.png")


@pytest.mark.service
def test_an_output_that_cannot_be_written_is_told(here, penstock):
    command = [sys.executable, "-m", "penstock", "convert", "a.png", "-", "--to", "png", "--width", "122"]
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root)}
    with Path("/dev/full").open("wb") as full:
        said = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert said.stderr == b"Error: Standard output could not be written: No space left on device.\n"
    assert said.returncode == 1


def test_a_terminal_neither_sends_nor_takes_media(monkeypatch):
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    wanted = {"to": "png", "output_folder": None, "overwrite": False, "format_": None, "kind": None, "at": None}
    sends, takes = (
        conversions_of({"words": words, **wanted})[0] for words in (("-", "-"), ("https://a.example/b", "-"))
    )

    assert usage_error(sends) == "Standard input is a terminal; redirect a file or a program to it."
    assert usage_error(takes) == "Standard output is a terminal; redirect it to a file or a program."


def test_other_systems_are_told_what_works(monkeypatch):
    monkeypatch.setattr("penstock.cli.main.sys.platform", "darwin")
    said = CliRunner().invoke(cli, ["convert", "a.png", "out.png"])
    assert (said.exit_code, said.stderr.startswith("Error: The service and its commands need Linux")) == (1, True)
    assert CliRunner().invoke(cli, ["formats"]).exit_code == 0


@pytest.mark.service
def test_a_reader_that_ends_early_is_no_traceback(here, penstock):
    command = [
        sys.executable,
        "-m",
        "penstock",
        "convert",
        "b.mp4",
        "-",
        "--to",
        "wav",
        "--home",
        str(penstock.home.root),
    ]
    with subprocess.Popen(command, env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b"Error: The program that reads standard output has ended.\n"
    assert running.returncode == 1


@pytest.mark.service
def test_the_commands_of_the_page_convert_work_as_printed(here, penstock):
    (here / "b.mp4").rename(here / "film.mov")
    (here / "photos").mkdir()
    for number in range(2):
        shutil.copy(here / "a.png", here / "photos" / f"{number}.jpg")
    said = [run(penstock, block, here) for block in blocks("docs/convert.md", "sh")]

    assert [(done.returncode, done.stderr if done.returncode else "") for done in said] == [(0, "")] * 3
    assert {path.name for path in (here / "made").iterdir()} == {"film.webp", "0.webp", "1.webp"}
    assert (here / "sound.wav").read_bytes()[:4] == b"RIFF"
