"""Opens a folder or prefix by its address."""

from penstock.domain import errors
from penstock.domain.batch.addresses import normalized_address, path_in, percent_decoded, scheme_of
from penstock.domain.batch.roots import Roots
from penstock.storage.locations.folder import FolderLocation
from penstock.storage.locations.location import Location
from penstock.storage.locations.prefix import PrefixLocation

# Protocols that reach the local disk or the web around the checks that those have.
_FORBIDDEN = frozenset(("http", "https", "local", "arrow_hdfs", "reference", "data", "dir", "zip", "tar", "libarchive"))


def open_location(address: str, s3_endpoint_url: str | None) -> Location:
    """The folder or prefix at a path, `file:///…`, `s3://bucket/prefix` or another fsspec address.

    Nothing is read yet. Raises `UrlForbidden` for an address that cannot be one, `StorageUnavailable`."""
    normalized = _checked(address)
    if scheme_of(normalized) == "file":
        return FolderLocation(normalized)
    if not path_in(normalized).strip("/"):
        raise errors.UrlForbidden("The address names no bucket: write it like s3://bucket/name.", field="url")
    return PrefixLocation.at(normalized, s3_endpoint_url)


def real_address(address: str) -> str:
    """The address with the symbolic links of a local folder resolved. Nothing is opened, so that no server is asked
    before its address is known to be allowed. Raises `UrlForbidden` as `open_location`."""
    normalized = _checked(address)
    return FolderLocation(normalized).real_address if scheme_of(normalized) == "file" else normalized


def _checked(address: str) -> str:
    """The normalized address. Raises `UrlForbidden`."""
    if "::" in address or scheme_of(address) in _FORBIDDEN or "\0" in percent_decoded(address):
        raise errors.UrlForbidden("A source or destination is a folder or a prefix like s3://bucket/name.", field="url")
    return normalized_address(address)


def resolved_roots(roots: Roots) -> Roots:
    """The allowed roots with the symbolic links of local folders resolved."""
    return Roots(tuple(map(real_address, roots.addresses)))
