"""Fixtures of the tests that run decoders and encoders: one sandbox pool, files on demand, a scratch folder."""

from pathlib import Path

import pytest

from penstock.domain.limits import Limits
from penstock.engines import Tools, bundled_ffmpeg, sandbox_pool
from tests.media import Shop


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Hands out small real files by name."""
    return Shop(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def pool():
    with sandbox_pool() as running:
        yield running


@pytest.fixture(scope="session")
def tools(pool):
    return Tools(pool, bundled_ffmpeg(), Limits(), threads=2)


@pytest.fixture
def room(tmp_path) -> Path:
    return tmp_path
