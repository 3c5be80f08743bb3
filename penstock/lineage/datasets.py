"""Names of inputs and outputs as OpenLineage's naming rules have them: https://openlineage.io/docs/spec/naming."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock.domain.batch.addresses import normalized_address, path_in, scheme_of, without_user_information
from penstock.domain.secret_urls import is_safe_to_show
from penstock.domain.task import File

_WEB = ("http", "https")


@dataclass(frozen=True, slots=True)
class DatasetName:
    """`file` and `/data/a.mov`, `s3://bucket` and `films/a.mov`, `https://example.com` and `/a.mov`."""

    namespace: str
    name: str


def dataset_at(address: str) -> DatasetName:
    """The dataset at an address, without a query, a user or a password."""
    scheme = scheme_of(address) or "file"
    if scheme == "file":
        return DatasetName("file", path_in(normalized_address(address)))
    if scheme in _WEB:
        return _web_dataset(address)
    host, _, name = path_in(without_user_information(address)).partition("/")
    return DatasetName(f"{scheme}://{host}", name)


def dataset_of(file: File, storage_url: str) -> DatasetName:
    """The dataset that a File's bytes are: at its destination, or in our storage."""
    return dataset_at(file.location or f"{storage_url.rstrip('/')}/{file.key}")


def _web_dataset(address: str) -> DatasetName:
    """A path that may be a secret is named by its digest, so that it stays one dataset."""
    parts = urlsplit(without_user_information(address))
    plain = parts._replace(query="", fragment="").geturl()
    path = parts.path or "/"
    hidden = "hidden/" + hashlib.sha256(path.encode()).hexdigest()[:16]
    return DatasetName(f"{parts.scheme}://{parts.netloc}", path if is_safe_to_show(plain) else hidden)
