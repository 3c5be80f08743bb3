"""INPUT and OUTPUT are checked before anything starts, and an existing OUTPUT is kept by default."""

import os
import stat
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from penstock.cli.main import cli

pytestmark = pytest.mark.media


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """The message of a refused `convert`. Nothing has started: there is no home."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def refuse(*words):
        before = contents(folder)
        said = CliRunner().invoke(cli, ["convert", *map(str, words), "--home", str(tmp_path / "home")])
        assert contents(folder) == before
        assert (said.exit_code, (tmp_path / "home").exists()) == (2, False), said.output
        return said.stderr.splitlines()[-1].removeprefix("Error: ")

    return refuse


def contents(folder):
    found = {place: place.stat(follow_symlinks=False) for place in folder.iterdir()}
    return {place: (facts.st_ino, facts.st_size, facts.st_mtime_ns) for place, facts in found.items()}


@pytest.fixture
def clip(tmp_path, refused):
    place = tmp_path / "here" / "clip.mov"
    place.write_bytes(b"the only copy")
    return place


def test_an_existing_output_is_not_replaced_by_default(refused, clip):
    (clip.parent / "out.mp4").write_bytes(b"before")
    assert refused("clip.mov", "out.mp4") == "out.mp4 exists; choose another OUTPUT, or replace it with -y."


SAME = {
    "its own name": lambda clip: clip.name,
    "another way to it": lambda clip: f"../here/{clip.name}",
    "a hard link": lambda clip: linked(clip, os.link),
    "a symbolic link": lambda clip: linked(clip, os.symlink),
}


def linked(clip, link):
    link(clip, clip.parent / "other.mov")
    return "other.mov"


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("asked", [[], ["-y"]], ids=["unasked", "asked"])
def test_an_output_that_is_the_input_is_refused_under_any_name(refused, clip, name, asked):
    target = SAME[name](clip)
    assert refused("clip.mov", target, *asked).startswith(f"OUTPUT is INPUT: {target} and clip.mov are the same file")
    assert clip.read_bytes() == b"the only copy"


def test_an_output_that_cannot_be_written_is_refused(refused, clip):
    (clip.parent / "folder.mp4").mkdir()
    (clip.parent / "nowhere.mp4").symlink_to("gone.mp4")
    os.mkfifo(clip.parent / "pipe.mp4", stat.S_IRUSR)

    assert refused(clip, "folder.mp4", "-y") == (
        "folder.mp4 is a folder; OUTPUT is the file to write. `--to FORMAT -d folder.mp4` writes into it."
    )
    assert refused(clip, "nowhere.mp4", "-y").startswith("nowhere.mp4 is a broken link")
    assert refused(clip, "pipe.mp4", "-y").startswith("pipe.mp4 is not a regular file")
    assert refused(clip, "none/out.mp4").startswith("There is no folder ")
    assert refused(clip, "a" * 300 + ".mp4").endswith("cannot be written: File name too long.")
    assert refused(clip, "/sys/out.mp4").startswith(
        "/sys/out.mp4 cannot be written: "
    )  # root cannot write there either


def test_an_input_that_is_not_a_file_is_named(refused, clip):
    assert refused("s3://bucket/a.mov", "out.mp4").startswith(
        "INPUT is a file or an http(s) URL; s3:// is not supported."
    )
    assert refused("ftp://host/a.mov", "out.mp4").startswith(
        "INPUT is a file or an http(s) URL; ftp:// is not supported."
    )
    assert refused(".", "out.mp4") == (
        ". is a folder; INPUT is one file or an http(s) URL. `penstock batch` converts folders."
    )
    assert refused("none.mov", "out.mp4") == "There is no file none.mov."


def test_an_interrupt_before_the_service_is_used_is_no_traceback_and_ends_the_line(monkeypatch, clip):
    def interrupted(*_):
        raise KeyboardInterrupt

    shown = []
    display = SimpleNamespace(show=shown.append, clear=lambda: shown.append(""))
    monkeypatch.setattr("penstock.cli.convert.display_on", lambda *_: display)
    monkeypatch.setattr("penstock.cli.conversions.local_check.require_convertible", interrupted)
    said = CliRunner().invoke(cli, ["convert", str(clip), "out.mp4", "--home", str(clip.parent / "home")])
    assert (said.exit_code, said.stderr, shown) == (130, "Cancelled.\n", ["checking the input", ""])
    monkeypatch.setattr("penstock.cli.convert.conversions_of", interrupted)
    said = CliRunner().invoke(cli, ["convert", str(clip), "out.mp4"])
    assert (said.exit_code, said.stderr) == (130, "Interrupted.\n")
