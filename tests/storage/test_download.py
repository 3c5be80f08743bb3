"""Downloads from a real origin on loopback, which the allow list permits."""

import time
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.settings import Settings
from penstock.settings.fetching import fetch_policy_of
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


def test_a_file_that_is_not_media_is_downloaded_too(fetch):
    assert fetch("html").startswith(b"<!doctype html>")


def test_the_request_has_our_user_agent_and_no_compression(fetch, site):
    sent = fetch("headers_of_request").decode()
    assert f"Host: {site.removeprefix('http://')}" in sent
    assert "Accept-Encoding: identity" in sent
    assert "User-Agent: penstock/" in sent


def test_bytes_beyond_the_announced_size_are_ignored(fetch):
    assert fetch("announces-less") == b"four"


GONE = ["status/404", "status/410", "status/403", "status/204", "status/206", "nowhere", "hop/5", "circle/", "gzip"]
AWAY = ["status/429", "status/500", "status/503", "reset", "closes", "no-http", "announces-twice"]


@pytest.mark.parametrize("place", GONE)
def test_permanent_statuses_are_unreachable(fetch, place):
    with pytest.raises(errors.InputUnreachable):
        fetch(place)


@pytest.mark.parametrize("place", AWAY)
def test_temporary_statuses_are_retryable(fetch, place):
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
def test_a_slow_origin_cannot_outlast_the_deadline(fetch, place):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout):
        fetch(place, read_seconds=20, total_seconds=0.7)
    assert time.monotonic() - started < LATEST


def test_the_deadline_grows_with_the_announced_size(fetch):
    assert fetch("hesitates", total_seconds=0.3) == origin.FILE


@pytest.mark.parametrize(
    ("place", "rate"), [("hesitates", 100 * 2**20), ("hesitates-unannounced", 1)], ids=["fast enough", "unannounced"]
)
def test_without_an_announced_size_the_deadline_is_fixed(fetch, place, rate):
    with pytest.raises(errors.InputTimeout):
        fetch(place, total_seconds=0.3, expected_bytes_per_second=rate)


def test_the_stage_timeout_allows_the_largest_input():
    policy = fetch_policy_of(Settings())
    assert policy.seconds_for(policy.max_bytes) >= policy.max_bytes / 2**20
    assert fetch_seconds(policy.longest_seconds) > policy.longest_seconds > policy.total_seconds


def test_an_origin_below_the_minimum_rate_is_given_up(fetch):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout, match="slowly"):
        fetch("slow-body", grace_seconds=0.3, total_seconds=60)
    assert 0.3 < time.monotonic() - started < LATEST


def test_a_silent_origin_times_out_before_the_deadline(fetch):
    started = time.monotonic()
    with pytest.raises(errors.InputTimeout):
        fetch("silent", read_seconds=0.3, total_seconds=60)
    assert time.monotonic() - started < LATEST


@pytest.mark.parametrize("place", ["announces-more", "cut-chunk", "endless", "slow-body", "reset", "status/404"])
def test_a_failed_download_leaves_no_file(fetch, tmp_path, place):
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


def test_a_refused_connection_is_retryable(policy, tmp_path):
    port = free_port()
    with pytest.raises(errors.OriginUnavailable):
        download_input(f"http://127.0.0.1:{port}/", tmp_path / "input", replace(policy, allow=f"127.0.0.1:{port}"))


def test_proxies_in_the_environment_are_ignored(fetch, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert fetch("small") == origin.SMALL


def test_an_existing_file_is_not_overwritten(fetch, tmp_path):
    (tmp_path / "input").write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        fetch("small")
    assert (tmp_path / "input").read_bytes() == b"somebody's"


def test_no_message_contains_the_url(fetch, site):
    for place in [*GONE, *AWAY, "announces-more", "huge"]:
        with pytest.raises(errors.InputError) as told:
            fetch(place)
        assert "127.0.0.1" not in told.value.message
