"""The names of files as people see them."""

import pytest

from penstock.domain.file_names import MAX_LENGTH, clean_name, content_disposition, name_in_address, output_name


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("clip.mov", "clip.mov"),
        ("/home/me/clip.mov", "clip.mov"),
        ("C:\\films\\clip.mov", "clip.mov"),
        ("../../etc/passwd", "passwd"),
        ("Über\u0000 uns\n.mp4", "Über uns .mp4"),
        ("gpj\u202e.exe", "gpj .exe"),
        (" .hidden. ", "hidden"),
        ("photo.png?X-Amz-Expires=60&X-Amz-Signature=ab/cd", "photo.png"),
        ("Who am I?.mov", "Who am I?.mov"),
        ("\ud800", None),
        ("..", None),
        ("", None),
    ],
)
def test_a_name_is_the_last_part_without_what_cannot_be_shown(given, cleaned):
    assert clean_name(given) == cleaned


def test_a_long_name_is_cut_and_keeps_its_ending():
    name = clean_name("a" * 500 + ".mov")
    assert name is not None
    assert (len(name), name[-5:]) == (MAX_LENGTH, "….mov")


@pytest.mark.parametrize(
    "url",
    ["https://a.b/s/dGhpc2lzYXNlY3JldA", "https://a.b/dGhp2lzYXNlY3JldA8x.mov", "https://a.b/", "http://[a/b.mov"],
)
def test_a_part_of_an_address_that_may_be_a_secret_is_no_name(url):
    assert name_in_address(url) is None


def test_an_output_has_the_name_of_its_input_with_the_new_ending():
    assert output_name("clip.v2.mov", "mp4") == "clip.v2.mp4"
    assert output_name(name_in_address("https://a.b/my%20clip.mov?x=1"), "webm") == "my clip.webm"
    assert output_name(None, "mp4") is None


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("clip.mp4", 'inline; filename="clip.mp4"'),
        ("..／x＂；.mp4", "inline; filename=\".._x_;.mp4\"; filename*=UTF-8''..%EF%BC%8Fx%EF%BC%82%EF%BC%9B.mp4"),
        ("Über.mp4", "inline; filename=\"Uber.mp4\"; filename*=UTF-8''%C3%9Cber.mp4"),
        ('a"b\\c.mp4', "inline; filename=\"a_b_c.mp4\"; filename*=UTF-8''a%22b%5Cc.mp4"),
    ],
)
def test_a_download_has_the_name_in_ascii_and_in_utf_8(name, header):
    assert content_disposition(name) == header
