"""`penstock plan` prints what `convert` would do, and needs no service."""

import pytest
from click.testing import CliRunner

from penstock.cli.main import cli
from penstock.cli.plan import summary
from penstock.views.plans import PlanView

pytestmark = pytest.mark.media


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, ["plan", *map(str, words), "--home", str(tmp_path / "home")])


def test_plan_prints_the_plan_and_converts_nothing(plan, clip, tmp_path):
    told = PlanView.model_validate_json(plan(clip, "out.webm", "--width", "160", "--json").stdout)

    assert (told.input, told.width, told.estimate.tasks) == (str(clip), 160, 0)
    assert not (tmp_path / "out.webm").exists()
    first, picture, *_ = summary("out.webm", told).splitlines()
    assert first == "out.webm: 160×90, 2.00 s, vp9,opus"
    assert picture == "  video: encode vp9, because webm players do not expect h264"


def test_a_relative_path_is_relative_to_the_working_directory(plan, photo, tmp_path):
    (tmp_path / "photo.png").write_bytes(photo.read_bytes())
    assert plan("photo.png", "out.webp").stdout.startswith("out.webp: 400×300")


def test_plan_reports_an_output_that_convert_would_not_replace(plan, photo, tmp_path):
    (tmp_path / "out.webp").write_bytes(b"before")
    assert plan(photo, "out.webp").stderr.startswith("convert would refuse OUTPUT: out.webp exists")
    assert (plan(photo, "out.webp", "-y").stderr, (tmp_path / "out.webp").read_bytes()) == ("", b"before")


def test_a_refusal_exits_1_with_its_code(plan, photo):
    said = plan(photo, "out.png", "--width", "4000")
    assert (said.exit_code, said.stderr.partition(":")[0]) == (1, "upscale_not_allowed")


@pytest.mark.parametrize("words", [("out.mp3", "--width", "64"), ("out.webp", "--quality", "3")])
def test_an_invalid_request_exits_with_the_code_of_its_error(plan, photo, words):
    said = plan(photo, *words)
    assert (said.exit_code, said.stderr.partition(":")[0]) == (1, "field_invalid")


def test_wrong_usage_exits_2(plan, photo):
    assert [plan(*words).exit_code for words in (("none.mp4", "out.mp4"), (photo, "out.xyz"), (photo,))] == [2, 2, 2]
