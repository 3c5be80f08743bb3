"""A conversion whose output is there already encodes nothing."""

import pytest

from penstock import engines
from penstock.conversion.convert import Workspace, convert_original
from penstock.domain.reuse import EarlierOutput
from penstock.domain.stages import Original, Reuse
from tests.conversion.test_convert import task_for, workspace
from tests.records.rows import output_of

__all__ = ["workspace"]

pytestmark = pytest.mark.media


def original(path, workspace: Workspace, sha256="ab", **request) -> Original:
    media = engines.probe(path, workspace.services.tools)
    return Original(task_for("image", "webp", **request), path, media, sha256)


@pytest.fixture
def asked():
    """The digests that were looked up in vain."""
    return []


@pytest.fixture
def first(media, workspace, asked):
    """A conversion, of which nothing equal was made before."""
    return convert_original(original(media("still.png"), workspace), workspace, find_earlier=asked.append)


def test_an_output_has_the_digest_under_which_it_was_looked_up(first, asked):
    assert [first.conversion] == asked


def test_an_equal_conversion_reuses_the_output_and_reserves_and_runs_nothing(media, workspace, first, monkeypatch):
    monkeypatch.setattr(engines, "encode", lambda *_: pytest.fail("encoded"))
    output = output_of(first.task)
    earlier = {first.conversion: EarlierOutput(output, first.receipt.checks)}
    second = original(media("still.png"), workspace, url="https://example.com/the-same-bytes")
    reuse = convert_original(second, workspace, lambda _plan: pytest.fail("reserved"), earlier.get)

    assert isinstance(reuse, Reuse)
    assert (reuse.task, reuse.earlier, reuse.receipt.checks) == (second.task, output, first.receipt.checks)
    assert (reuse.receipt.work.argv, reuse.receipt.work.wall_seconds) == ([], 0.0)
    sentence = f"reuse {output.id}, because the same bytes were converted with the same settings"
    assert workspace.services.records.recorded[-1] == ("plan", {"format": "webp", "image": sentence})


@pytest.mark.parametrize("changed", [{"sha256": "cd"}, {"quality": 0.5}, {"width": 20}], ids=str)
def test_another_input_or_another_setting_is_looked_up_under_another_digest(media, workspace, first, asked, changed):
    convert_original(original(media("still.png"), workspace, **changed), workspace, find_earlier=asked.append)

    assert len(set(asked)) == 2


def test_an_input_whose_digest_is_not_known_is_converted(media, workspace):
    unknown = original(media("still.png"), workspace, sha256=None)
    rendition = convert_original(unknown, workspace, find_earlier=lambda _digest: pytest.fail("looked up"))

    assert rendition.conversion is None
