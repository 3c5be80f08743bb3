"""Makes the request of each line: its fields over the batch's defaults, its input, and the address of its output."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from penstock.batches.public_lines import require_public_line
from penstock.conversion.line_files import LineFiles
from penstock.conversion.located_files import is_located
from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id, normalized_address, scheme_of, split_address
from penstock.domain.batch.batch import Batch, BatchItem
from penstock.domain.batch.line_fields import merged_fields, with_kind
from penstock.domain.batch.lines import LineRequest, line_request
from penstock.domain.batch.naming import NameTemplate, checked_output_name, parse_template
from penstock.domain.task import TaskError
from penstock.domain.web_addresses import AllowedAddresses, parse_address, parse_allowed
from penstock.storage.locations.location import Location


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A line with its request. `output` is the name of its output at the destination; None: our storage."""

    item: BatchItem
    request: LineRequest
    output: str | None


@dataclass(frozen=True, slots=True)
class LineRequests:
    """Makes the requests of one batch's lines."""

    batch: Batch
    template: NameTemplate
    source: Location | None
    destination: Location | None
    allowed: AllowedAddresses

    @classmethod
    def of(cls, files: LineFiles) -> "LineRequests":
        """Raises `FieldInvalid` for a wrong template, `UrlForbidden` for a wrong address."""
        spec = files.batch.spec
        return cls(
            batch=files.batch,
            template=parse_template(spec.output_name),
            source=files.open(spec.source) if spec.source else None,
            destination=files.open(spec.destination) if spec.destination else None,
            allowed=parse_allowed(files.services.settings.fetch_allow),
        )

    def requested(self, item: BatchItem) -> RequestedLine | BatchItem:
        """The line with its request; or its item, failed."""
        try:
            return self._requested(item)
        except errors.RequestError as error:
            return failed_item(item, error)

    def _requested(self, item: BatchItem) -> RequestedLine:
        if self.batch.spec.has_public_inputs:
            require_public_line(item, self.batch.spec, self.allowed)
        fields = merged_fields(self.batch.spec.defaults, item.fields or {})
        named = self._named_output(fields.pop("output", None))
        address = self._input(item, fields)
        if self.destination is None:
            return RequestedLine(item, line_request({}, fields, address, None), None)
        request = line_request({}, fields, address, self.destination.address_of("x"))
        name = checked_output_name(named) if named else self._name(item, request)
        return self.renamed(RequestedLine(item, request, name), name)

    def _named_output(self, given: Any) -> str | None:
        """The name that a manifest gives. In one that we wrote it is the address of the output, or the id of a file in
        our storage, which is no name."""
        if not given or is_file_id(str(given)):
            return None
        if self.destination is None or scheme_of(str(given)) is None:
            return str(given)
        name = self.destination.name_of(str(given))
        if name is None:
            raise errors.FieldInvalid("output must be inside the destination.", field="output")
        return name

    def _input(self, item: BatchItem, fields: dict[str, Any]) -> str | None:
        """The address of the input; None: the request names a file."""
        fields.pop("url", None)
        if is_file_id(item.input):
            fields["file_id"] = item.input
            return None
        fields.pop("file_id", None)
        if not is_located(item.input):
            parse_address(item.input, self.allowed)
        return item.input

    def _name(self, item: BatchItem, request: LineRequest) -> str:
        return self.template.name_for(self._input_name(item), request, item.number)

    def _input_name(self, item: BatchItem) -> str:
        """Relative to the source, so that its tree is mirrored; else the last part of the address."""
        name = self.source.name_of(item.input) if self.source else None
        if name is not None:
            return name
        if is_file_id(item.input):
            return item.input
        return split_address(normalized_address(item.input.partition("?")[0]))[1] or "input"

    def renamed(self, line: RequestedLine, name: str) -> RequestedLine:
        """The line with another name of its output."""
        address = self.destination.address_of(name) if self.destination else None
        return replace(line, request=line.request.model_copy(update={"destination": address}), output=name)


def failed_item(item: BatchItem, error: errors.MediaError) -> BatchItem:
    """The item of a line that cannot be converted."""
    failure = TaskError(error.primary.code, error.message, error.primary.field, "validate", error.transient)
    return replace(item, status="failed", error=failure)


def check_defaults(defaults: Mapping[str, Any]) -> None:
    """Raise the violations that every line would have: found before anything is listed."""
    if "format" in defaults:
        line_request({}, with_kind(defaults), "file:///input", None)
