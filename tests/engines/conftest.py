"""What the engines' tests share: one nursery, files on demand, a room for each test."""

from pathlib import Path

import pytest

from penstock.domain.limits import Limits
from penstock.engines import Nursery, Tools, shipped_ffmpeg
from tests.media import Shop


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Hands out small real files by name."""
    return Shop(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def nursery():
    with Nursery() as running:
        yield running


@pytest.fixture(scope="session")
def tools(nursery):
    return Tools(nursery, shipped_ffmpeg(), Limits(), threads=2)


@pytest.fixture
def room(tmp_path) -> Path:
    return tmp_path
