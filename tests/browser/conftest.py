"""One Chromium for all browser tests, and the engines that make its files."""

import pytest

from penstock.domain.limits import Limits
from penstock.engines import Tools, bundled_ffmpeg, sandbox_pool
from tests.browser import chromium as driver
from tests.engines.conversions import convert
from tests.media import MediaFactory


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    browser = driver.installed()
    if browser is None:
        pytest.skip("Chromium is not on this machine: apt-get install chromium (as root) brings it")
    with driver.running(browser, tmp_path_factory.mktemp("chromium") / "profile") as running:
        yield running


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Small real files by name."""
    return MediaFactory(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def tools():
    with sandbox_pool() as pool:
        yield Tools(pool, bundled_ffmpeg(), Limits(), threads=2)


@pytest.fixture
def make(media, tools, tmp_path):
    """Converts one of the small files."""
    return lambda name, output, **fields: convert(media(name), output, tmp_path, tools, **fields)
