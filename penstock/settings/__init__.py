"""The settings, read from the environment or `.env`, only here: `Settings` has all of them, `allowed_pairs` one.

`Settings` is loaded when it is first used: pydantic takes 0.2 s, and `penstock formats` needs none."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.settings.model import Settings, read_settings, variable_of

__all__ = ["Settings", "read_settings", "variable_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from penstock.settings import model  # noqa: PLC0415 - as said above

    return getattr(model, name)
