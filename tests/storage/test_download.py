"""What a download promises, against a real origin on loopback that is let through by the allow list."""

import time
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.services import fetch_policy_of
from penstock.settings import Settings
from penstock.storage.download import download_input
from tasks.policy import fetch_seconds
from tests.storage.ports import free_port

from . import origin

# Seconds, on a machine that is busy with other work; what is tried would else take at least twice as long.
LATEST = 10.0


@pytest.fixture
def fetch(site, policy, tmp_path):
    def fetched(place, **changes):
        download_input(f"{site}/{place}", tmp_path / "input", replace(policy, **changes))
        return (tmp_path / "input").read_bytes()

    return fetched


def test_a_file_arrives_byte_for_byte(fetch):
    assert fetch("file") == origin.FILE


def test_a_file_sent_in_chunks_arrives(fetch):
    assert fetch("chunked") == b"four"


def test_five_redirects_are_followed(fetch):
    assert fetch("hop/4") == origin.SMALL


def test_what_is_no_media_arrives_too_and_is_left_to_the_probe(fetch):
    assert fetch("html").startswith(b"<!doctype html>")


def test_an_origin_is_asked_for_plain_bytes_by_a_named_program(fetch, site):
    sent = fetch("headers_of_request").decode()
    assert f"Host: {site.removeprefix('http://')}" in sent
    assert "Accept-Encoding: identity" in sent
    assert "User-Agent: penstock/" in sent


def test_more_than_was_announced_is_cut_off(fetch):
    assert fetch("announces-less") == b"four"


GONE = ["status/404", "status/410", "status/403", "status/204", "status/206", "nowhere", "hop/5", "circle/", "gzip"]
AWAY = ["status/429", "status/500", "status/503", "reset", "closes", "no-http", "announces-twice"]


@pytest.mark.parametrize("place", GONE)
def test_an_origin_that_refuses_for_good_is_unreachable(fetch, place):
    with pytest.raises(errors.InputUnreachable):
        fetch(place)


@pytest.mark.parametrize("place", AWAY)
def test_an_origin_that_may_answer_the_next_time_is_tried_again(fetch, place):
    with pytest.raises(errors.OriginUnavailable) as told:
        fetch(place)
    assert told.value.transient


@pytest.mark.parametrize("place", ["announces-more", "cut-chunk"])
def test_a_body_that_ends_early_is_truncated(fetch, place):
    with pytest.raises(errors.InputTruncated):
        fetch(place)


@pytest.mark.parametrize("place", ["huge", "endless"])
def test_too_much_is_refused_whether_announced_or_not(fetch, place):
    with pytest.raises(errors.InputTooLarge):
        fetch(place)


@pytest.mark.parametrize("place", ["slow-headers", "slow-body", "silent"])
def test_an_origin_that_drips_cannot_outlast_the_deadline(fetch, place):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout):
        fetch(place, read_seconds=20, total_seconds=0.7)
    assert time.monotonic() - started < LATEST


def test_a_download_has_as_long_as_its_announced_size_takes(fetch):
    assert fetch("hesitates", total_seconds=0.3) == origin.FILE


@pytest.mark.parametrize(
    ("place", "rate"), [("hesitates", 100 * 2**20), ("hesitates-unannounced", 1)], ids=["fast enough", "unannounced"]
)
def test_else_the_deadline_is_the_set_one(fetch, place, rate):
    with pytest.raises(errors.InputTimeout):
        fetch(place, total_seconds=0.3, expected_bytes_per_second=rate)


def test_the_largest_input_taken_fits_into_the_deadline_of_its_stage():
    policy = fetch_policy_of(Settings())
    assert policy.seconds_for(policy.max_bytes) >= policy.max_bytes / 2**20
    assert fetch_seconds(policy.longest_seconds) > policy.longest_seconds > policy.total_seconds


def test_an_origin_that_sends_too_slowly_is_left_after_a_grace(fetch):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout, match="slowly"):
        fetch("slow-body", grace_seconds=0.3, total_seconds=60)
    assert 0.3 < time.monotonic() - started < LATEST


def test_a_silent_origin_is_left_before_the_deadline(fetch):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout):
        fetch("silent", read_seconds=0.3, total_seconds=60)
    assert time.monotonic() - started < LATEST


@pytest.mark.parametrize("place", ["announces-more", "cut-chunk", "endless", "slow-body", "reset", "status/404"])
def test_nothing_half_done_stays(fetch, tmp_path, place):
    with pytest.raises(errors.InputError):
        fetch(place, total_seconds=0.5)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_download_ends_at_once(site, policy, server, tmp_path):
    patient = replace(policy, read_seconds=20, total_seconds=60)
    started = time.monotonic()
    with pytest.raises(errors.Cancelled):
        download_input(
            f"{site}/silent", tmp_path / "input", patient, is_stopped=lambda: time.monotonic() > started + 0.2
        )
    assert time.monotonic() - started < LATEST


def test_an_origin_that_is_not_there_may_be_there_later(policy, tmp_path):
    port = free_port()
    with pytest.raises(errors.OriginUnavailable):
        download_input(f"http://127.0.0.1:{port}/", tmp_path / "input", replace(policy, allow=f"127.0.0.1:{port}"))


def test_a_proxy_in_the_environment_is_not_asked(fetch, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert fetch("small") == origin.SMALL


def test_a_file_that_is_there_already_is_never_written_over(fetch, tmp_path):
    (tmp_path / "input").write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        fetch("small")
    assert (tmp_path / "input").read_bytes() == b"somebody's"


def test_no_message_tells_an_address(fetch, site):
    for place in [*GONE, *AWAY, "announces-more", "huge"]:
        with pytest.raises(errors.InputError) as told:
            fetch(place)
        assert "127.0.0.1" not in told.value.message
