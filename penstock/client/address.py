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
    url = _checked(url or os.environ.get(URL_VARIABLE))
    # A secret that is kept in a file often ends with a line break.
    key = (os.environ.get(KEY_VARIABLE, "").strip() or None) if key is None else key.strip()
    local = running_service(_home()) if url is None or key is None else None
    if url is None:
        return _local_address(local, key)
    if key is None and local is not None and local.api_url.rstrip("/") == url.rstrip("/"):
        key = local.api_key
    if key is None:
        raise TokenMissing(f"No key for the service at {url} was given; set {KEY_VARIABLE}.")
    return ServiceAddress(url.rstrip("/"), key)


def behind(link: str | None) -> ServiceAddress:
    """The service of the environment, else the one that a link leads to, without a key: the link needs none, and the
    key of one service is never sent to another. Without a link as `located`."""
    try:
        return located(None, None)
    except (ServiceNotFound, TokenMissing):
        if link is None:
            raise
    parts = urlsplit(link)
    return ServiceAddress(f"{parts.scheme}://{parts.netloc}", "")


def _checked(url: str | None) -> str | None:
    if url is not None and not url.lower().startswith(("http://", "https://")):
        raise ServiceNotFound(f"The address of a service begins with http:// or https://; see {URL_VARIABLE}.")
    return url


def _local_address(local: RunningService | None, key: str | None) -> ServiceAddress:
    if local is None:
        raise ServiceNotFound(
            f"No service runs on this machine with the home {_home()}. Start one with `penstock up`, or set "
            f"{URL_VARIABLE} and {KEY_VARIABLE}."
        )
    return ServiceAddress(local.api_url.rstrip("/"), key or local.api_key)


def _home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser()
