"""The JSON bodies of `POST /files` (an import) and `PATCH /files/{id}`."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from penstock.domain import errors
from penstock.domain.described_body import DescribedBody, field_violations, given_fields
from penstock.domain.file_names import clean_name
from penstock.domain.public_request import forbidden_urls
from penstock.domain.request import Url
from penstock.domain.web_addresses import AllowedAddresses

MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_LEVELS = 32
MAX_NAME_LENGTH = 1024


def _shown(name: str) -> str:
    cleaned = clean_name(name)
    if cleaned is None:
        raise ValueError("has no characters that can be shown")
    return cleaned


def _storable(metadata: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(metadata, ensure_ascii=False)
    if len(text.encode()) > MAX_METADATA_BYTES or "\\u0000" in json.dumps(metadata):
        raise ValueError("is too large, or has a NUL character, which PostgreSQL cannot store")
    if not _has_levels(metadata, MAX_METADATA_LEVELS):
        raise ValueError("is nested deeper than responses can be")
    return metadata


def _has_levels(value: Any, most: int) -> bool:
    """Whether objects and arrays are nested in at most so many levels."""
    if not isinstance(value, (dict, list)):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return most > 0 and all(_has_levels(each, most - 1) for each in inner)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_shown)]
Metadata = Annotated[dict[str, Any], AfterValidator(_storable)]
_RULES = {
    "url": "must be an http(s) address of at most 2,048 characters",
    "name": f"must be the name of a file, with at most {MAX_NAME_LENGTH:,} characters",
    "filename": f"must be the name of a file, with at most {MAX_NAME_LENGTH:,} characters",
    "metadata": f"must be an object of at most {MAX_METADATA_BYTES:,} bytes of JSON and {MAX_METADATA_LEVELS} levels, "
    "without NUL characters",
}


class FileChanges(DescribedBody):
    """What may be changed of a file; a field that is left out stays as it is."""

    name: Name | None = Field(None, description="for people: in links, run names and pages; a folder before it is cut")
    filename: Name | None = Field(None, description="means the same as name")
    metadata: Metadata | None = Field(None, description="any JSON object; replaces the one that is there")

    field_rules: ClassVar[Mapping[str, str]] = _RULES

    @property
    def chosen_name(self) -> str | None:
        return self.name or self.filename


class ImportBody(FileChanges):
    """The address of a file that is imported without converting it."""

    url: Url = Field(description="public http(s) address")


def parse_import(body: Any, allowed: AllowedAddresses) -> ImportBody:
    """Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation."""
    given = given_fields(body, ImportBody)
    found = [*field_violations(given, ImportBody), *_two_names(given)]
    if not any(violation.field == "url" for violation in found):
        found += forbidden_urls(given, allowed)
    _raise(found)
    return ImportBody.model_validate(given)


def parse_changes(body: Any) -> FileChanges:
    """Raises as `parse_import`, and for a body without any field."""
    given = given_fields(body, FileChanges)
    found = [*field_violations(given, FileChanges), *_two_names(given)]
    if not given:
        found.append(errors.FieldRequired("Send name or metadata, or both.", field="name"))
    _raise(found)
    return FileChanges.model_validate(given)


def _two_names(given: Mapping[str, Any]) -> list[errors.RequestError]:
    if given.get("name", given.get("filename")) == given.get("filename", given.get("name")):
        return []
    return [errors.FieldInvalid("filename means the same as name; send one of them.", field="filename")]


def _raise(found: list[errors.RequestError]) -> None:
    if found:
        raise errors.InvalidRequest(tuple(found))
