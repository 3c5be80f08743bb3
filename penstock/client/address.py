"""Which service a client talks to, and with which key."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from penstock.errors import ServiceNotFound, TokenMissing
from penstock.local_service import DEFAULT_HOME, RunningService, running_service

URL_VARIABLE, KEY_VARIABLE, HOME_VARIABLE = "PENSTOCK_API_URL", "PENSTOCK_API_KEY", "PENSTOCK_HOME"


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """`url` without a slash at its end."""

    url: str
    key: str = field(repr=False)


Locate = Callable[[], ServiceAddress]


def located(url: str | None, key: str | None) -> ServiceAddress:
    """The given address and key, else those of the environment, else of the service on this machine.

    Raises `ServiceNotFound` and `TokenMissing`."""
    url = url or os.environ.get(URL_VARIABLE)
    key = os.environ.get(KEY_VARIABLE) or None if key is None else key
    local = running_service(_home()) if url is None or key is None else None
    if url is None:
        return _local_address(local, key)
    if key is None and local is not None and local.api_url.rstrip("/") == url.rstrip("/"):
        key = local.api_key
    if key is None:
        raise TokenMissing(f"No key for the service at {url} was given; set {KEY_VARIABLE}.")
    return ServiceAddress(url.rstrip("/"), key)


def behind(link: str | None) -> ServiceAddress:
    """The service that a link leads to, with the key for it if there is one; without a link as `located`."""
    if link is None:
        return located(None, None)
    parts = urlsplit(link)
    url = f"{parts.scheme}://{parts.netloc}"
    try:
        return located(url, None)
    except TokenMissing:  # the link needs none
        return ServiceAddress(url, "")


def _local_address(local: RunningService | None, key: str | None) -> ServiceAddress:
    if local is None:
        raise ServiceNotFound(
            f"No service runs on this machine with the home {_home()}. Start one with `penstock up`, or set "
            f"{URL_VARIABLE} and {KEY_VARIABLE}."
        )
    return ServiceAddress(local.api_url.rstrip("/"), key or local.api_key)


def _home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser()
