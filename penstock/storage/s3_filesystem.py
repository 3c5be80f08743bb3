"""The fsspec file system of S3 with our timeouts; credentials and region come from the usual AWS variables."""

from typing import Any

import fsspec

S3_CONFIG = {
    "signature_version": "s3v4",
    "connect_timeout": 5,
    "read_timeout": 20,
    "retries": {"max_attempts": 3},
    # Other servers than Amazon's do not support trailers, and send the whole file's checksum with a range of it.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
# The most bytes that one request reads.
REQUEST_BYTES = 4 * 2**20


def s3_filesystem(endpoint_url: str | None) -> Any:
    """A new file system, with connections of its own."""
    return fsspec.filesystem(
        "s3",
        endpoint_url=endpoint_url,
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs=S3_CONFIG,
    )
