"""An address that is a secret may not become a parameter of a flow run."""

import pytest

from penstock.domain.errors import FieldInvalid
from penstock.domain.signed import require_no_secret


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/clip.mov?X-Amz-Signature=abc",
        "https://account.blob.core.windows.net/c/clip.mov?sv=1&sig=abc",
        "https://example.com/clip.mov?access_token=abc",
        "https://user:word@example.com/clip.mov",
        "https://example.com/clip.mov#access_token=abc",
        "https://example.com/clip.mov?jwt=abc",
    ],
)
def test_a_signed_address_is_refused(url):
    with pytest.raises(FieldInvalid, match="secret"):
        require_no_secret(url)


def test_a_plain_address_passes():
    require_no_secret("https://example.com/clip.mov?version=3&page=2")
