"""Penstock: media conversion as Prefect flow runs.

`from penstock import convert, aconvert, Client, AsyncClient` is the client; it is loaded when it is first used."""

from typing import TYPE_CHECKING, Any

from penstock._version import __version__

if TYPE_CHECKING:
    from penstock.client import AsyncClient, Client, aconvert, convert

__all__ = ["AsyncClient", "Client", "__version__", "aconvert", "convert"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from penstock import client  # noqa: PLC0415 - `import penstock` alone loads nothing

    return getattr(client, name)
