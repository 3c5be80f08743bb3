"""Fixtures for tests that run decoders and encoders: a sandbox pool, tools, and media files on demand."""

import pytest

from penstock.domain.limits import Limits
from penstock.engines import Tools, bundled_ffmpeg, sandbox_pool
from tests.media import MediaFactory


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Small real files by name."""
    return MediaFactory(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def pool():
    with sandbox_pool() as running:
        yield running


@pytest.fixture(scope="session")
def tools(pool):
    return Tools(pool, bundled_ffmpeg(), Limits(), threads=2)
