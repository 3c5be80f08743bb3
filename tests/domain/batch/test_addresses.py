"""Addresses of files: what is encoded, and that nothing is lost."""

import pytest

from penstock.domain.batch.addresses import (
    file_address,
    joined_address,
    name_within,
    normalized_address,
    path_in,
    split_address,
    without_user_information,
)
from penstock.domain.batch.lines import MAX_ADDRESS_CHARACTERS

NAMES = [
    "plain.jpg", "two words.jpg", "100%.jpg", "%41.jpg", "what?.jpg", "#1.jpg", "new\nline.jpg", "-dash.jpg",
    "'\"`$.jpg",
    "grüße 日本.jpg", "\udcff\udc80.jpg", "\x7f\x01.jpg", " ", "a:b;c,d.jpg", "[x]{y}*.jpg", "ä" * 127,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("root", ["file:///", "file:///data/in put", "s3://bucket", "s3://bucket/a/b"])
def test_every_name_comes_back_from_its_address(root, name):
    root = normalized_address(root)
    address = joined_address(root, f"folder/{name}")

    assert name_within(root, address) == f"folder/{name}"
    assert split_address(address) == (joined_address(root, "folder"), name)
    assert normalized_address(address) == address


@pytest.mark.parametrize("name", NAMES)
def test_a_path_comes_back_from_its_address(name):
    assert path_in(file_address(f"/data/{name}")) == f"/data/{name}"


def test_an_address_is_hardly_longer_than_its_path():
    assert file_address("/data/" + "grüße;'é" * 20) == "file:///data/" + "grüße;'é" * 20
    assert len(file_address("/" + "%" * 255)) < MAX_ADDRESS_CHARACTERS


def test_an_address_has_no_character_that_a_url_must_not_have():
    address = file_address("".join(map(chr, range(1, 256))))

    assert not any(character <= " " or character in "\x7f?#" for character in address)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("/data/in", "file:///data/in"),
        ("/data//in/./x/../", "file:///data/in"),
        ("//data", "file:///data"),
        ("/.hidden", "file:///.hidden"),
        ("/", "file:///"),
        ("file:///data/a b", "file:///data/a%20b"),
        ("file://localhost/data", "file:///data"),
        ("FILE:///data/%61", "file:///data/a"),
        ("/../etc", "file:///etc"),
        ("s3://bucket/a/", "s3://bucket/a"),
        ("s3a://bucket", "s3://bucket"),
        ("S3://bucket/ü x", "s3://bucket/ü%20x"),
        ("gs://bucket/a/../../other", "gs://other"),
    ],
)
def test_what_a_user_writes_has_one_address(written, address):
    assert normalized_address(written) == address


def test_a_relative_path_is_below_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert normalized_address("in/a") == file_address(f"{tmp_path}/in/a")


def test_a_name_that_only_begins_like_the_root_is_outside_it():
    assert name_within("file:///data", "file:///database/a") is None
    assert name_within("file:///data", "file:///data") is None
    assert name_within("file:///", "file:///data") == "data"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sftp://user:pa%40ss@host/out/manifest.jsonl", "sftp://host/out/manifest.jsonl"),
        ("sftp://user:pa@ss@host/out", "sftp://host/out"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
        ("/folder/a@b.csv", "/folder/a@b.csv"),
    ],
)
def test_people_are_shown_no_user_and_password(address, shown):
    assert without_user_information(address) == shown
