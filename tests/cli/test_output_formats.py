"""Extensions and names that people give for outputs."""

import pytest
from click.testing import CliRunner

from penstock.cli.conversions.output_formats import INSTEAD, NAMES, format_named
from penstock.cli.main import cli
from penstock.domain.formats import FORMATS
from penstock.domain.planning.matrix import CONTAINERS


@pytest.fixture
def usage_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mov").write_bytes(b"")

    def error(*words):
        said = CliRunner().invoke(cli, [*words, "--home", str(tmp_path / "home")])
        assert (said.exit_code, (tmp_path / "home").exists()) == (2, False)
        return said.stderr.splitlines()[-1]

    return error


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("m4a", "m4a is not an output format; use mp3, ogg or flac."),
        ("mkv", "mkv is not an output format; use mp4 or webm."),
        ("tif", "tif is not an output format; use png or webp."),
        ("jfif", "jfif is not an output format; use jpeg."),
    ],
)
def test_an_output_that_we_cannot_write_is_refused_with_what_to_use_instead(usage_error, name, hint):
    assert usage_error("convert", "in.mov", f"out.{name}") == f"Error: {hint}"
    assert usage_error("convert", "in.mov", "out", "--format", name).endswith(f": {hint}")
    assert usage_error("plan", "in.mov", f"out.{name.upper()}") == f"Error: {hint}"


def test_an_unknown_extension_is_refused_with_the_formats(usage_error):
    assert usage_error("convert", "in.mov", "out.xyz").startswith("Error: OUTPUT has no known extension: use .mp4, ")


def test_jpg_means_jpeg():
    assert format_named("jpg") == "jpeg"


def test_every_container_that_we_read_and_do_not_write_has_a_hint():
    extensions = {"matroska": "mkv", "mpegts": "ts", "wavpack": "wv", "jpeg2000": "jp2"}
    extensions |= {
        "realmedia": "rm",
        "netpbm": "ppm",
        "targa": "tga",
        "jpegxl": "jxl",
        "mpegvideo": "m2v",
        "truehd": "thd",
    }
    extensions |= {
        "sunrast": "ras",
        "photocd": "pcd",
        "pictor": "pic",
        "gem": "img",
        "jpegls": "jls",
        "brender": "pix",
    }
    names = {extensions.get(name, name) for name in CONTAINERS}
    assert names - set(NAMES) - INSTEAD.keys() == set()


def test_no_hint_hides_a_format():
    assert INSTEAD.keys() & set(NAMES) == set()
    assert {name for instead in INSTEAD.values() for name in instead} <= FORMATS.keys()
