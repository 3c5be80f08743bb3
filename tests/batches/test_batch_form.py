"""What Prefect's form and schedules may name."""

import pytest

from penstock.batches.batch_form import parse_form
from penstock.domain import errors


@pytest.mark.parametrize("folder", ["/data/Fotos #1", "/backup/550e8400-e29b-41d4-a716-446655440000", "file:///a%231"])
def test_a_local_folder_is_no_secret_whatever_its_name(folder):
    spec, _ = parse_form({"source": folder, "destination": "/data/web", "format": "webp"})

    assert spec.source == folder


def test_an_address_with_credentials_is_refused_since_prefect_would_show_it():
    with pytest.raises(errors.FieldInvalid, match="seems to hold a secret"):
        parse_form({"source": "sftp://user:word@host/photos", "destination": "/data/web", "format": "webp"})
