"""Keys derived from a project's secret."""

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from penstock.domain.api_keys import derive_key


def test_each_purpose_has_a_key_of_its_own():
    keys = {derive_key("links", "secret"), derive_key("receipts", "secret"), derive_key("links", "another"), "secret"}

    assert len(keys) == 4


def test_a_derived_key_is_the_expand_step_of_hkdf():
    """HKDF-Expand of RFC 5869 (cryptography's), which stays: receipts are verified with it for years."""

    expanded = HKDFExpand(SHA256(), 32, b"penstock receipts").derive(b"secret")
    assert base64.urlsafe_b64decode(derive_key("receipts", "secret") + "=") == expanded
