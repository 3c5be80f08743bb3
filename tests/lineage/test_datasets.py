"""Inputs and outputs have the names that other tools give them, and none holds a secret."""

import pytest

from penstock.lineage.datasets import DatasetName, dataset_at


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/data/a b.mov", DatasetName("file", "/data/a b.mov")),
        ("file:///data/a%20b.mov", DatasetName("file", "/data/a b.mov")),
        ("s3://bucket/films/a.mov", DatasetName("s3://bucket", "films/a.mov")),
        ("s3://bucket", DatasetName("s3://bucket", "")),
        ("sftp://me:word@host:22/in/a.mov", DatasetName("sftp://host:22", "in/a.mov")),
        ("https://example.com/films/a.mov", DatasetName("https://example.com", "/films/a.mov")),
        ("https://me:word@example.com:81/a.mov?X-Amz-Signature=1#x", DatasetName("https://example.com:81", "/a.mov")),
    ],
)  # fmt: skip
def test_an_address_is_named_without_what_may_be_secret(address, expected):
    assert dataset_at(address) == expected


def test_a_path_that_may_be_a_secret_is_one_dataset_without_being_shown():
    secret = "https://example.com/d/3f2504e0-4f89-11d3-9a0c-0305e82c3301/a.mov"
    named = dataset_at(secret)

    assert "3f2504e0" not in named.name
    assert named == dataset_at(secret + "?x=1") != dataset_at(secret.replace("a.mov", "b.mov"))
