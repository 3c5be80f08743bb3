"""Everybody who sees the Prefect UI reads the names of runs."""

import pytest

from penstock.orchestration.flow_run_options import failure_tags, run_name, run_tags, without_failure
from tests.orchestration.conftest import task_of


def test_a_run_is_named_after_what_it_makes_and_of_what():
    assert run_name(task_of(url="https://example.com/a/clip.mov")) == "convert mp4 · clip.mov · tsk_1"


def test_an_upload_is_named_by_its_id():
    assert run_name(task_of(file_id="file_abcdefgh1234")) == "convert mp4 · file_abcdefgh1234 · tsk_1"


def test_a_query_never_reaches_a_name():
    assert "secret" not in run_name(task_of(url="https://example.com/clip.mov?sig=secret"))


def test_a_path_that_is_no_file_name_stays_out():
    assert run_name(task_of(url="https://example.com/dGhpc2lzYXNlY3JldA")) == "convert mp4 · an address · tsk_1"


@pytest.mark.parametrize("name", ["9f86d081884c7d659a2feaa0c55ad015.mp4", "dQw4w9WgXcQ.mp4"])
def test_a_name_that_opens_something_stays_out(name: str):
    assert run_name(task_of(url=f"https://example.com/share/{name}")) == "convert mp4 · an address · tsk_1"


def test_runs_are_tagged_by_kind_format_and_project():
    assert run_tags(task_of(url="https://example.com/clip.mov")) == ["kind:video", "format:mp4", "prj_1"]


def test_a_run_that_begins_again_keeps_no_tag_of_its_failure():
    tags = ["nightly", *run_tags(task_of(url="https://example.com/clip.mov"))]
    refused, broken = failure_tags("upscale_not_allowed", is_refused=True), failure_tags(None, is_refused=False)
    assert (refused, broken) == (["refused", "code:upscale_not_allowed"], ["broken"])
    assert without_failure([*tags, *refused, *broken]) == tags
