"""The title of a batch is shown in Prefect: it holds no secret."""

import pytest

from penstock.domain.batch.spec import BatchSpec


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("/data/photos@2x/", "photos@2x → webp"),
        ("/", "/ → webp"),
        ("photos", "photos → webp"),
        ("s3://bucket/my%20photos", "my photos → webp"),
        ("s3://key:secret@bucket", "bucket → webp"),
        ("s3://bucket/photos?token=secret", "photos → webp"),
    ],
)
def test_a_title_is_the_last_part_of_the_source(source, title):
    assert BatchSpec(source=source, defaults={"format": "webp"}).title == title
