"""An image is made and read back by one child, and its file is not what that child says, but what it is."""

import hashlib
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import ImageConversion, MediaFile, make_image, probe
from penstock.engines.verification import made_images

pytestmark = pytest.mark.media


@pytest.fixture
def conversion(media, tmp_path, tools):
    path = media("still.png")
    facts = probe(path, tools)
    request = parse_request({"url": "https://example.com/a", "kind": "image", "format": "webp", "width": 40})
    return ImageConversion(plan_for(request, facts, Limits()), MediaFile(path, facts), tmp_path)


def test_the_facts_are_those_of_the_file(conversion, tools):
    made = make_image(conversion, tools)

    assert (made.verified.facts.format, made.verified.facts.width) == ("webp", 40)
    assert made.verified.facts.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert made.verified.read_back.media.image.frames == 1


def test_one_child_makes_it_and_reads_it_back(conversion, tools, monkeypatch):
    started, start = [], tools.pool.start
    monkeypatch.setattr(type(tools.pool), "start", lambda _pool, job: started.append(job) or start(job))
    make_image(conversion, tools)

    assert [call.function for job in started for call in job.calls] == ["make_image"]


def test_a_file_that_the_child_did_not_write_is_not_published(conversion, tools, monkeypatch):
    call = made_images.make_image_call
    elsewhere = replace(conversion, folder=conversion.folder / "elsewhere")
    elsewhere.folder.mkdir()
    monkeypatch.setattr(made_images, "make_image_call", lambda _, *given: call(elsewhere, *given))

    with pytest.raises(errors.OutputInvalid, match="cannot be read back"):
        make_image(conversion, tools)


def test_a_file_of_another_format_than_the_child_says_is_not_published(conversion, tools, monkeypatch, media):
    call = made_images.make_image_call
    elsewhere = replace(conversion, folder=conversion.folder / "elsewhere")
    elsewhere.folder.mkdir()
    conversion.target.write_bytes(media("still.png").read_bytes())
    monkeypatch.setattr(made_images, "make_image_call", lambda _, *given: call(elsewhere, *given))

    with pytest.raises(errors.OutputInvalid) as refused:
        make_image(conversion, tools)
    assert refused.value.detail == "the container is png"


def test_an_output_that_cannot_be_read_back_is_no_fault_of_the_input(conversion, tools, monkeypatch):
    monkeypatch.setattr(made_images, "output_limits", lambda limits: replace(limits, image_pixels=1))

    with pytest.raises(errors.OutputInvalid, match="cannot be read back"):
        make_image(conversion, tools)


def test_an_output_of_another_size_is_not_published(conversion, tools, monkeypatch):
    call = made_images.make_image_call
    framing = replace(conversion.plan.framing, size=replace(conversion.plan.framing.size, width=30), fit="cover")
    other = replace(conversion, plan=replace(conversion.plan, framing=framing))
    monkeypatch.setattr(made_images, "make_image_call", lambda _, *given: call(other, *given))

    with pytest.raises(errors.OutputInvalid, match="differs from its plan"):
        make_image(conversion, tools)
