"""The folders and prefixes that what is started from Prefect's form, a schedule or an event may read and write."""

from dataclasses import dataclass

from penstock.domain import errors
from penstock.domain.batch.addresses import name_within, normalized_address, path_in, scheme_of
from penstock.domain.web_addresses import quoted


@dataclass(frozen=True, slots=True)
class Roots:
    """Allowed folders and prefixes as addresses. Symbolic links are resolved by the caller, in these and in what is
    checked."""

    addresses: tuple[str, ...] = ()

    def require_within(self, address: str, field: str = "url") -> None:
        """Raises `UrlForbidden` for an address outside all roots; `field` is the one that names it."""
        found = normalized_address(address)
        if not any(found == root or name_within(root, found) is not None for root in self.addresses):
            raise errors.UrlForbidden(
                "This folder or prefix is not allowed; the operator can add it to PENSTOCK_BATCH_ROOTS.",
                field=field,
                detail=address,
            )


def parse_roots(text: str) -> Roots:
    """Parse the setting `batch_roots`: absolute folders and prefixes, comma-separated. Raises `ValueError`."""
    return Roots(tuple(_root(entry.strip()) for entry in text.split(",") if entry.strip()))


def _root(entry: str) -> str:
    scheme = scheme_of(entry)
    is_folder = entry.startswith("/") or (scheme == "file" and entry[len("file://") :].startswith("/"))
    is_prefix = scheme not in (None, "file", "http", "https") and "::" not in entry and path_in(entry).strip("/")
    if not is_folder and not is_prefix:
        raise ValueError(f"must be comma-separated folders and prefixes, like /data, s3://bucket, not {quoted(entry)}")
    return normalized_address(entry)
