"""The files of a batch's lines that lie in folders and prefixes: its inputs, and the outputs at its destination."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id, name_within, normalized_address, scheme_of, split_address
from penstock.domain.batch.batch import Batch
from penstock.domain.batch.roots import parse_roots
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.task import InputVersion
from penstock.services import Services
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import sha256_of
from penstock.storage.locations.location import Location, Publication
from penstock.storage.locations.opening import open_location, real_address, resolved_roots

WEB_SCHEMES = frozenset(("http", "https"))


def is_line_address(url: str | None) -> TypeGuard[str]:
    """Whether this is the address of a file in a folder or prefix: only lines of batches have such inputs."""
    return url is not None and scheme_of(url) not in WEB_SCHEMES


@dataclass(frozen=True, slots=True)
class PublishedOutput:
    """An output at its destination: its address, and what identifies its content there."""

    address: str
    version: str


@dataclass
class LineFiles:
    """Opens every folder and prefix once. A batch that its machine's owner started may use any; others are held within
    the roots, also where a symbolic link leads out of one. Thread-safe: an entry is set once, to an equal value."""

    batch: Batch
    services: Services
    opened: dict[str, Location] = field(default_factory=dict)

    def fetch(self, url: str, path: Path, version: str | None, is_stopped: IsStopped) -> InputVersion:
        """The input at a new local path. Raises as `Location.fetch`, and `UrlForbidden` outside the roots."""
        location, name = self.located_input(url)
        entry = location.fetch(name, path, version, is_stopped)
        digest = sha256_of(path) if self.services.settings.reuse == "on" else None
        return InputVersion(length=entry.size, etag=entry.version, sha256=digest)

    def modified(self, url: str) -> float | None:
        """When the input was changed, in seconds since 1970; None where that is unknown."""
        location, name = self.located_input(url)
        entry = location.stat(name)
        return entry.modified if entry else None

    def publish(
        self, path: Path, destination: str, *, replace: bool, modified: float | None, is_stopped: IsStopped
    ) -> PublishedOutput:
        """Publish a local file at its destination. Raises as `Location.publish`, and `UrlForbidden`."""
        location, name = self.located(destination, "destination")
        publication = Publication(name, self.batch.id, replace=replace, modified=modified)
        entry = location.publish(path, publication, is_stopped)
        return PublishedOutput(location.address_of(name), entry.version)

    def remove_parts(self) -> None:
        """Remove unfinished outputs of killed runs. Call it while no line of the batch is converted."""
        if self.batch.spec.destination:
            self.open(self.batch.spec.destination).remove_parts(self.batch.id)

    def located_input(self, address: str) -> tuple[Location, str]:
        """As `located`, of an input. Raises `UrlForbidden` for every line that came over the API."""
        if self.batch.spec.has_public_inputs:
            raise errors.UrlForbidden("The url must be an http(s) address.", field="url", detail=address)
        return self.located(address, "url")

    def located(self, address: str, field_name: str) -> tuple[Location, str]:
        """The folder or prefix that an address is read from or written to, and the name there."""
        normalized = normalized_address(address)
        known = (self.batch.spec.source, self.batch.spec.destination)
        roots = [*filter(None, known)] if self.batch.trusted else self._allowed_roots()
        for root in roots:
            location = self.open(root)
            if (name := location.name_of(normalized)) is not None:
                return location, name
        if not self.batch.trusted:
            raise errors.UrlForbidden("This address is not allowed for batches.", field=field_name, detail=address)
        folder, name = split_address(normalized)
        return self.open(folder), name

    def _allowed_roots(self) -> Sequence[str]:
        return parse_roots(self.services.settings.batch_roots).addresses

    def open(self, address: str) -> Location:
        """The folder or prefix at an address. Raises `UrlForbidden` for an address that cannot be one."""
        if address not in self.opened:
            self.opened[address] = open_location(address, self.services.settings.s3_endpoint_url)
        return self.opened[address]


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
