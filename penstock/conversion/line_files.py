"""The files of a batch's lines that lie in folders and prefixes: its inputs, and the outputs at its destination."""

from collections.abc import Sequence

from penstock.conversion.located_files import LocatedFiles
from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id, name_within, normalized_address, split_address
from penstock.domain.batch.batch import Batch
from penstock.domain.batch.roots import parse_roots
from penstock.domain.batch.spec import BatchSpec
from penstock.services import Services
from penstock.storage.locations.location import Location
from penstock.storage.locations.opening import real_address, resolved_roots


class LineFiles(LocatedFiles):
    """Those of one batch. A batch that its machine's owner started may use any folder and prefix."""

    def __init__(self, batch: Batch, services: Services) -> None:
        super().__init__(batch.id, services)
        self.batch = batch

    def remove_parts(self) -> None:
        """Remove unfinished outputs of killed runs. Call it while no line of the batch is converted."""
        if self.batch.spec.destination:
            self.open(self.batch.spec.destination).remove_parts(self.batch.id)

    def located_input(self, address: str) -> tuple[Location, str]:
        """As `located`, of an input. Raises `UrlForbidden` for every line that came over the API."""
        if self.batch.spec.has_public_inputs:
            raise errors.UrlForbidden("The url must be an http(s) address.", field="url", detail=address)
        return super().located_input(address)

    def roots(self) -> Sequence[str]:
        known = (self.batch.spec.source, self.batch.spec.destination)
        return [*filter(None, known)] if self.batch.trusted else super().roots()

    def elsewhere(self, normalized: str, field_name: str) -> tuple[Location, str]:
        if not self.batch.trusted:
            return super().elsewhere(normalized, field_name)
        folder, name = split_address(normalized)
        return self.open(folder), name


def require_allowed(spec: BatchSpec, services: Services, *, trusted: bool) -> None:
    """Raise `UrlForbidden` where a batch that is not trusted names a folder or prefix outside the roots."""
    if not trusted:
        require_within_roots(spec, services.settings.batch_roots)


def require_within_roots(spec: BatchSpec, batch_roots: str) -> None:
    """Raise `UrlForbidden`, with the address in its detail, for a folder or prefix outside these roots."""
    roots = resolved_roots(parse_roots(batch_roots))
    for address in (spec.source, spec.destination, spec.manifest, spec.result_manifest):
        if address is not None and not is_file_id(address):
            roots.require_within(real_address(address))


def within_source(batch: Batch) -> str | None:
    """The destination relative to the source, where it lies in it: its files are no inputs."""
    source, destination = batch.spec.source, batch.spec.destination
    if source is None or destination is None:
        return None
    return name_within(normalized_address(source), normalized_address(destination))
