"""Broken files of the corpus are rejected with the right error code, or converted."""

import time

import pytest

from penstock.domain import errors
from penstock.engines import probe
from tests.broken_files import CODES, READABLE, is_expected
from tests.corpus import broken, outputs_of
from tests.engines.conversions import convert

pytestmark = [pytest.mark.media, pytest.mark.corpus]

BROKEN_SECONDS = 30


@pytest.mark.parametrize("name", broken())
def test_a_broken_file_is_rejected_with_its_code_or_converted(name, corpus, tools, tmp_path):
    began = time.monotonic()
    code = _code(corpus / "broken" / name, tmp_path, tools)
    assert time.monotonic() - began < BROKEN_SECONDS
    assert is_expected(name, code), code


def test_every_listed_broken_file_exists(corpus):
    assert {*CODES, *READABLE} <= set(broken())


def _code(path, tmp_path, tools):
    """The code of the error; None if the output was made and verified."""
    try:
        media = probe(path, tools)
        output = outputs_of(media.kind, media.container)[0]
        convert(path, output, tmp_path, tools)
    except errors.MediaError as error:
        return error.code
    return None
