"""Checks lines that came over the API: their inputs are addresses of the web and files of the project, nothing else."""

from collections.abc import Mapping
from typing import Any

from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id
from penstock.domain.batch.batch import BatchItem
from penstock.domain.batch.line_fields import merged_fields
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.public_request import parse_public_request
from penstock.domain.web_addresses import AllowedAddresses

# What a manifest has beside the fields of a request; the input is part of the item.
_NO_REQUEST_FIELDS = frozenset(("output", "url", "file_id"))


def require_public_line(item: BatchItem, spec: BatchSpec, allowed: AllowedAddresses) -> None:
    """Raises `BodyInvalid` for an item that is no object, and `InvalidRequest` with all violations; among them is
    `UrlForbidden` for an address of a folder or prefix."""
    if item.fields is None:
        raise errors.BodyInvalid("The item must be a JSON object.")
    fields = _manifest_fields(item, item.fields) if spec.manifest else item.fields
    parse_public_request(merged_fields(spec.defaults, fields), allowed)


def _manifest_fields(item: BatchItem, fields: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in fields.items() if name not in _NO_REQUEST_FIELDS}
    return kept | {"file_id" if is_file_id(item.input) else "url": item.input}
