"""Files in folders and prefixes, within the roots that the operator allows: inputs, and outputs at a destination."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from penstock.domain import errors
from penstock.domain.batch.addresses import normalized_address, scheme_of
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.roots import parse_roots
from penstock.domain.task import InputVersion
from penstock.services import Services
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import sha256_of
from penstock.storage.locations.location import Location, Publication
from penstock.storage.locations.opening import open_location

WEB_SCHEMES = frozenset(("http", "https"))


def is_located(url: str | None) -> TypeGuard[str]:
    """Whether this is the address of a file in a folder or prefix: no request of the API has such an input."""
    return url is not None and scheme_of(url) not in WEB_SCHEMES


@dataclass(frozen=True, slots=True)
class PublishedOutput:
    """An output at its destination: its address, and what identifies its content there."""

    address: str
    version: str


class LocatedFiles:
    """Opens every folder and prefix once, and holds them within the roots, also where a symbolic link leads out of
    one. `owner` is the id of the task or batch, which names unfinished outputs. Thread-safe: an entry of `opened` is
    set once, to an equal value."""

    def __init__(self, owner: str, services: Services) -> None:
        self.owner, self.services = owner, services
        self.opened: dict[str, Location] = {}

    def fetch(self, url: str, path: Path, version: str | None, is_stopped: IsStopped) -> InputVersion:
        """The input at a new local path. Raises as `Location.fetch`, and `UrlForbidden` outside the roots."""
        location, name = self.located_input(url)
        entry = location.fetch(name, path, version, is_stopped)
        digest = sha256_of(path) if self.services.settings.reuse == "on" else None
        return InputVersion(length=entry.size, etag=entry.version, sha256=digest)

    def stat(self, url: str) -> Entry | None:
        """The facts of an input; None if there is none."""
        location, name = self.located_input(url)
        return location.stat(name)

    def modified(self, url: str) -> float | None:
        """When the input was changed, in seconds since 1970; None where that is unknown."""
        entry = self.stat(url)
        return entry.modified if entry else None

    def publish(
        self, path: Path, destination: str, *, replace: bool, modified: float | None, is_stopped: IsStopped
    ) -> PublishedOutput:
        """Publish a local file at its destination. Raises as `Location.publish`, and `UrlForbidden`."""
        location, name = self.located(destination, "destination")
        publication = Publication(name, self.owner, replace=replace, modified=modified)
        entry = location.publish(path, publication, is_stopped)
        return PublishedOutput(location.address_of(name), entry.version)

    def remove_unfinished(self, destination: str) -> None:
        """Remove what killed runs of the same owner left near a destination."""
        location, _ = self.located(destination, "destination")
        location.remove_parts(self.owner)

    def located_input(self, address: str) -> tuple[Location, str]:
        """As `located`, of an input."""
        return self.located(address, "url")

    def located(self, address: str, field_name: str) -> tuple[Location, str]:
        """The folder or prefix that an address is read from or written to, and the name there. Raises
        `UrlForbidden`."""
        normalized = normalized_address(address)
        for root in self.roots():
            location = self.open(root)
            if (name := location.name_of(normalized)) is not None:
                return location, name
        return self.elsewhere(normalized, field_name)

    def roots(self) -> Sequence[str]:
        """The folders and prefixes that may be used."""
        return parse_roots(self.services.settings.batch_roots).addresses

    def elsewhere(self, normalized: str, field_name: str) -> tuple[Location, str]:
        """As `located`, of an address outside the roots."""
        raise errors.UrlForbidden(
            "This address is not within PENSTOCK_BATCH_ROOTS.", field=field_name, detail=normalized
        )

    def open(self, address: str) -> Location:
        """The folder or prefix at an address. Raises `UrlForbidden` for an address that cannot be one."""
        if address not in self.opened:
            self.opened[address] = open_location(address, self.services.settings.s3_endpoint_url)
        return self.opened[address]
