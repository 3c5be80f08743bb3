"""What folders and prefixes do alike."""

import os
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.storage.locations import OutputExists, Publication, open_location

NAMES = [
    "plain.jpg", "deep/er/file.jpg", "two words.jpg", "quotes'\".jpg", "-dash.jpg", "100%.jpg", "%41.jpg", "what?#.jpg",
    "grüße 日本.jpg", "a+b&c=d.jpg", "tab\t.jpg",
]  # fmt: skip


def names(location, *args, **kwargs):
    return [entry.name for entry in location.list_files(*args, **kwargs)]


def put(location, made, name, content=b"content", **options):
    return location.publish(made(content), Publication(name, "bat_1", **options))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_published_is_listed_and_fetched_under_its_name(location, made, scratch, name):
    published = put(location, made, name, b"12345")
    [listed] = location.list_files()
    fetched = location.fetch(name, scratch / "back", listed.version)

    assert (published.name, published.size, published.problem) == (name, 5, None)
    assert (listed, fetched, location.stat(name), location.many_stats()(name)) == (published,) * 4
    assert (scratch / "back").read_bytes() == b"12345"


def test_a_listing_is_sorted_and_recursive(location, made):
    for name in ("b.jpg", "a/2.jpg", "a/1.jpg", "c/d/e.jpg"):
        put(location, made, name)

    assert names(location) == ["a/1.jpg", "a/2.jpg", "b.jpg", "c/d/e.jpg"]


def test_a_listing_leaves_out_what_is_hidden_excluded_or_not_matched(location, made):
    for name in ("a.jpg", "a.JPG", "x/b.jpg", "out/c.jpg", ".h.jpg", ".hidden/d.jpg", "e.png"):
        put(location, made, name)

    assert set(names(location, "*.jpg", ["out"])) == {"a.jpg", "a.JPG", "x/b.jpg"}
    assert set(names(location, ".*")) == {".h.jpg"}
    assert set(names(location, ".hidden/*")) == {".hidden/d.jpg"}


def test_an_empty_location_is_no_error(location, made):
    location.require_writable("bat_1")
    location.remove_parts("bat_1")

    if location.address.startswith("memory"):  # it forgets empty folders
        put(location, made, ".hidden")
    assert names(location) == []


def test_a_name_that_is_free_is_told(location, made):
    put(location, made, "folder/a.jpg")

    assert location.stat("b.jpg") is location.stat("folder/b.jpg") is location.stat("folder") is None
    assert location.many_stats()("b.jpg") is None


def test_an_output_is_never_replaced_unless_told(location, made, scratch):
    put(location, made, "a.jpg", b"first")
    with pytest.raises(OutputExists):
        put(location, made, "a.jpg", b"second")
    location.fetch("a.jpg", scratch / "first", None)
    put(location, made, "a.jpg", b"third", replace=True)
    location.fetch("a.jpg", scratch / "third", None)

    assert ((scratch / "first").read_bytes(), (scratch / "third").read_bytes()) == (b"first", b"third")


def test_an_input_that_changed_since_it_was_listed_is_told(location, made, scratch):
    listed = put(location, made, "a.jpg", b"first")
    put(location, made, "a.jpg", b"second!", replace=True, modified=12345.0)

    assert not location.unchanged("a.jpg", listed)
    with pytest.raises(errors.InputChanged):
        location.fetch("a.jpg", scratch / "back", listed.version)
    assert not (scratch / "back").exists()


def test_an_input_that_is_the_same_is_unchanged(location, made):
    listed = put(location, made, "a.jpg")

    assert location.unchanged("a.jpg", listed)
    assert not location.unchanged("a.jpg", replace(listed, version="other"))
    assert not location.unchanged("b.jpg", listed)


def test_an_input_that_vanished_is_told(location, scratch):
    with pytest.raises(errors.InputUnreachable, match="no such file"):
        location.fetch("a.jpg", scratch / "back", None)
    assert not (scratch / "back").exists()


def test_an_input_of_many_blocks_and_an_empty_one_come_whole(location, made, scratch):
    content = os.urandom(9 * 2**20 + 1)
    for name, bytes_in in (("big", content), ("empty", b"")):
        put(location, made, name, bytes_in)
        location.fetch(name, scratch / name, None)

    assert ((scratch / "big").read_bytes(), (scratch / "empty").read_bytes()) == (content, b"")


def test_a_cancelled_transfer_leaves_nothing(location, made, scratch):
    path = made(b"content")
    os.link(path, scratch / "second name")  # so that it is copied
    with pytest.raises(errors.Cancelled):
        location.publish(path, Publication("a.jpg", "bat_1"), lambda: True)

    assert location.stat("a.jpg") is None


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "", "a//b", "./a", "a/", "a\0b"])
def test_an_output_cannot_leave_its_location(location, made, name):
    with pytest.raises(errors.FieldInvalid):
        put(location, made, name)


def test_a_location_is_found_again_by_its_address(location, made, s3_endpoint):
    put(location, made, "x/100% a.jpg")
    again = open_location(location.address, s3_endpoint)

    assert names(again) == ["x/100% a.jpg"]
    assert again.name_of(location.address_of("x/100% a.jpg")) == "x/100% a.jpg"
    assert location.name_of("file:///elsewhere/a") is None


def test_no_part_of_a_published_file_is_ever_listed(location, made):
    put(location, made, "a.jpg")
    location.require_writable("bat_1")

    assert names(location, "**") == [*names(location, ".*/*"), "a.jpg"] == ["a.jpg"]


@pytest.mark.parametrize(
    "address", ["https://example.com/a", "zip://a::file:///etc", "local:///etc", "s3://", "nothing://x/y", "data:///x"]
)
def test_what_is_no_folder_or_prefix_is_refused(address):
    with pytest.raises(errors.UrlForbidden):
        open_location(address, None)


def test_parts_of_a_file_are_read_alone(location, made):
    put(location, made, "a.jpg", b"0123456789")

    with location.open_ranges("a.jpg") as opened:
        assert (opened.size, opened.read(0, 3), opened.read(8, 10)) == (10, b"012", b"89")


def test_parts_of_a_missing_file_are_not_opened(location, made):
    with pytest.raises(errors.InputUnreachable), location.open_ranges("none.jpg"):
        pass


def test_parts_of_another_version_are_not_read(location, made):
    put(location, made, "a.jpg", b"0123456789")
    with location.open_ranges("a.jpg") as opened:
        put(location, made, "a.jpg", b"01", replace=True)
        if location.address.startswith("file"):  # an open file stays the version that was opened
            assert opened.read(8, 10) == b"89"
        else:
            with pytest.raises((errors.InputChanged, errors.OriginUnavailable, errors.InputUnreachable)):
                opened.read(8, 10)
