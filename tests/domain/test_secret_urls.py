"""URLs with secrets are not accepted as parameters of a flow run, and are shown nowhere."""

import re

import pytest

from penstock.domain.errors import FieldInvalid
from penstock.domain.secret_urls import (
    SECRET_PATTERN,
    is_safe_to_show,
    looks_like_token,
    require_no_secret,
    require_no_secret_anywhere,
)

SIGNED = [
    "https://bucket.s3.amazonaws.com/clip.mov?X-Amz-Signature=abc",
    "https://account.blob.core.windows.net/c/clip.mov?sv=1&sig=abc",
    "https://example.com/clip.mov?access_token=abc",
    "https://example.com/clip.mov?access_token",
    "https://user:word@example.com/clip.mov",
    "https://example.com/clip.mov#access_token=abc",
    "https://example.com/clip.mov?JWT=abc",
]
PLAIN = [
    "https://example.com/clip.mov?version=3&page=2",
    "https://example.com/a@b/tokens/clip.mov",
    "https://example.com/token=3/clip.mov",
]


@pytest.mark.parametrize("url", SIGNED)
def test_a_signed_url_is_rejected(url):
    with pytest.raises(FieldInvalid, match="webhook_url carries a secret"):
        require_no_secret(url, "webhook_url")


@pytest.mark.parametrize("url", PLAIN)
def test_a_url_without_secret_is_accepted(url):
    require_no_secret(url)


@pytest.mark.parametrize("url", [*SIGNED, *PLAIN])
def test_the_json_schema_agrees(url):
    assert bool(re.search(SECRET_PATTERN, url)) == (url in SIGNED)


RANDOM = [
    "123e4567-e89b-12d3-a456-426614174000.mp4",
    "clip 123E4567-E89B-12D3-A456-426614174000.mov",
    "9f86d081884c7d659a2feaa0c55ad015.mp4",
    "dGhpc2lzYXNlY3JldA.mov",
    "aB3-xY9_Qz7-Rk2_Lm5-Tn8.mp4",
    "dQw4w9WgXcQ.mp4",
    "T024BE7LDab3k9ZQ",
    "qwertzuiopasdfghjklyxcvbnmq",
]
WRITTEN = [
    "clip.mov",
    "IMG_20260131_150000_Burst.jpg",
    "My Holiday in Berlin (final 2).mp4",
    "MyHolidayVideoFinalCut.mov",
    "GOPR0123.MP4",
    "interview-2026-01-31-take-3.wav",
    "Sommerferien_an_der_Ostsee_1998.avi",
    "report",
]


@pytest.mark.parametrize("name", RANDOM)
def test_generated_names_look_like_tokens(name):
    assert looks_like_token(name)
    assert not is_safe_to_show(f"https://example.com/share/{name}")


@pytest.mark.parametrize("name", WRITTEN)
def test_names_chosen_by_people_do_not_look_like_tokens(name):
    assert not looks_like_token(name)
    assert is_safe_to_show(f"https://example.com/share/{name}")


def test_the_path_of_a_webhook_url_may_be_a_secret():
    require_no_secret_anywhere("https://example.com/hooks/done", "webhook_url")
    with pytest.raises(FieldInvalid, match="webhook_url carries a secret"):
        require_no_secret_anywhere(
            "https://hooks.example.com/services/T024BE7LD/B024BE7LD/aB3xY9Qz7Rk2Lm5Tn8", "webhook_url"
        )


def test_an_invalid_url_is_not_rejected_here():
    require_no_secret("http://[x")
    assert not is_safe_to_show("http://[x")
