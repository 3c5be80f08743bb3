"""The settings, read from the environment or `.env`, only here: `Settings` has all of them, `allowed_pairs` and
`jail_mode` one each.

`Settings` is loaded when it is first used: pydantic takes 0.2 s, and `penstock formats` needs none."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.settings.model import Settings
    from penstock.settings.reading import read_settings, variable_of

__all__ = ["Settings", "read_settings", "variable_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from penstock.settings import reading  # noqa: PLC0415 - as said above; it has `Settings` too

    return getattr(reading, name)
