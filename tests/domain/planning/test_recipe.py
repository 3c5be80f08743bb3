"""Conversions have equal digests exactly if their outputs are equal."""

from dataclasses import replace

import pytest

from penstock.domain.limits import Limits
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.recipe import conversion_digest
from penstock.domain.planning.steps import plan_summary, reuse_summary
from tests.domain.facts import asked, image, video

VERSIONS = {"penstock": "0.1.0", "ffmpeg": "9.0.2"}
ARGV = ["ffmpeg", "-threads", "2"]


def plan(**fields):
    return plan_for(asked("video", "mp4", **fields), video(), Limits())


def digest(made=None, sha256="ab", argv=ARGV, versions=VERSIONS):
    return conversion_digest(sha256, made or plan(width=640), argv, versions)


def test_the_same_conversion_has_the_same_digest():
    assert digest() == digest(plan(width=640), versions=dict(reversed(VERSIONS.items())))
    assert digest(plan(width=640)) == digest(plan(width=640, fit="contain", quality=0.8, fresh=True))


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "cd"},
        {"made": plan(width=642)},
        {"made": plan(width=640, quality=0.7)},
        {"made": plan(width=640, end=1)},
        {"argv": ["ffmpeg", "-threads", "4"]},
        {"versions": VERSIONS | {"ffmpeg": "9.0.3"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_changes_the_output_changes_the_digest(changed):
    assert digest(**changed) != digest()


def test_still_pictures_differ_by_format_size_and_tags():
    jpeg = plan_for(asked("image", "jpeg", width=100), image(), Limits())
    plans = [jpeg, plan_for(asked("image", "webp", width=100), image(), Limits()), replace(jpeg, tags={"title": "A"})]

    assert len({digest(each, argv=()) for each in plans}) == 3


def test_a_reuse_says_for_each_stream_why_nothing_is_encoded():
    sentence = "reuse file_1, because the same bytes were converted with the same settings"

    assert reuse_summary(plan(width=640), "file_1") == {"format": "mp4", "video": sentence, "audio": sentence}
    assert reuse_summary(plan(), "file_1").keys() == plan_summary(plan()).keys()
