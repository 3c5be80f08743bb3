"""`penstock convert` where nothing runs: it brings up what it needs, and takes it down again."""

import pytest

from tests.service import processes_of

pytestmark = pytest.mark.service


def test_alone_it_brings_up_what_it_needs_and_takes_it_down_again(first_convert):
    home = first_convert.home

    assert first_convert.said.returncode == 0, first_convert.said.stderr
    assert first_convert.made.read_bytes()[:4] == b"fLaC"
    assert processes_of(home) == []
    key = (home / "secrets" / "api_key").read_text()
    assert [log.name for log in (home / "logs").iterdir() if key in log.read_text(errors="replace")] == []
