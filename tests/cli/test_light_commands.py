"""Commands that need no service load little: what they load is what people wait for."""

import json
import subprocess
import sys

import pytest

from tests.service import plain_environment

# Each of these takes 0.1 to 3 s.
HEAVY = {"prefect", "sqlalchemy", "alembic", "fastapi", "uvicorn", "fsspec", "s3fs", "httpx", "httpcore", "psycopg"}
DECODERS = {"av", "PIL", "pyvips", "pillow_heif", "imagequant", "ffmpeg"}
SETTINGS = {"pydantic", "rich"}

# Runs each command in a child of a process that has loaded the command line, and prints what the child has loaded.
PROGRAM = """
import json, os, sys
from click.testing import CliRunner
from penstock.cli.main import cli

for words in json.load(sys.stdin):
    sys.stdout.flush()
    if os.fork() == 0:
        ended = CliRunner().invoke(cli, words).exit_code
        print(json.dumps([words, ended, sorted({name.partition(".")[0] for name in sys.modules})]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, clip, photo):
    folder = tmp_path_factory.mktemp("light")
    (folder / "text.mp4").write_text("no film")
    commands = {
        "help": ["--help"],
        "formats": ["formats"],
        "keys": ["keys", "list"],
        "env": ["env"],
        "plan": ["plan", str(clip), "out.webm"],
        "refusal": ["convert", str(photo), "out.png", "--width", "4000"],
        "no media": ["convert", "text.mp4", "out.mp4"],
    }
    environment = plain_environment() | {"PENSTOCK_HOME": str(folder / "home")}
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(list(commands.values())),
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = [json.loads(line) for line in program.stdout.splitlines()]
    modules = {tuple(words): set(names) for words, _, names in told}
    assert [ended for _, ended, _ in told] == [0, 0, 2, 1, 0, 1, 1]
    assert not (folder / "home").exists()
    return {name: modules[tuple(words)] for name, words in commands.items()}


@pytest.mark.parametrize("command", ["help", "formats"])
def test_help_and_formats_load_no_settings(loaded, command):
    assert loaded[command] & (HEAVY | DECODERS | SETTINGS) == set()


@pytest.mark.parametrize("command", ["keys", "env", "no media"])
def test_commands_that_find_nothing_load_no_database_and_no_client(loaded, command):
    assert loaded[command] & (HEAVY | DECODERS) == set()


@pytest.mark.media
def test_plan_of_a_file_loads_no_decoder_and_no_client(loaded):
    assert loaded["plan"] & (HEAVY | DECODERS) == {"ffmpeg"}  # which spells the argument list


@pytest.mark.media
def test_a_refusal_loads_no_client_and_no_service(loaded):
    assert loaded["refusal"] & (HEAVY | DECODERS) == set()


@pytest.mark.parametrize(
    ("entrypoints", "loads"),
    [
        ("penstock.engines.images.probe_entrypoints", {"PIL", "pillow_heif"}),
        ("penstock.engines.probing.entrypoints", {"av"}),
        ("penstock.engines.entrypoints", DECODERS - {"ffmpeg"}),
    ],
)
def test_a_child_that_reads_files_loads_only_its_decoders(entrypoints, loads):
    program = f"import sys, penstock.sandbox.fork_server, {entrypoints}; print(*sys.modules)"
    named = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    found = {name.partition(".")[0] for name in named.split()}
    assert found & (HEAVY | DECODERS | SETTINGS) == loads
