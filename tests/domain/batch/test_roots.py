"""Which folders and prefixes batches may use."""

import pytest

from penstock.domain import errors
from penstock.domain.batch.roots import Roots, parse_roots

ROOTS = parse_roots("/data/photos, s3://bucket/in ,file:///mnt/a%20b,")


@pytest.mark.parametrize(
    "inside",
    [
        "/data/photos", "/data/photos/2024/x.jpg", "file:///data/photos/x", "s3://bucket/in", "s3://bucket/in/x",
        "/mnt/a b/x", "/data/../data/photos/x",
    ],
)  # fmt: skip
def test_what_is_within_a_root_is_allowed(inside):
    ROOTS.require_within(inside)


@pytest.mark.parametrize(
    "outside",
    [
        "/data", "/data/photos2", "/data/photos/../secret", "/etc/passwd", "s3://bucket", "s3://bucket/inside",
        "s3://other/in", "s3://bucket/in/../out", "gs://bucket/in", "https://data/photos", "/", "", "photos",
    ],
)  # fmt: skip
def test_everything_else_is_forbidden(outside):
    with pytest.raises(errors.UrlForbidden, match="PENSTOCK_BATCH_ROOTS"):
        ROOTS.require_within(outside)


def test_without_roots_nothing_is_allowed():
    with pytest.raises(errors.UrlForbidden):
        parse_roots("").require_within("/data")


def test_the_whole_disk_may_be_allowed():
    Roots(("file:///",)).require_within("/data/photos")


@pytest.mark.parametrize(
    "wrong", ["data/in", "photos", "https://example.com/a", "zip://a::file:///etc", "s3://", "file://x"]
)
def test_a_root_is_an_absolute_folder_or_a_prefix(wrong):
    with pytest.raises(ValueError, match="must be comma-separated folders and prefixes"):
        parse_roots(f"/data,{wrong}")
