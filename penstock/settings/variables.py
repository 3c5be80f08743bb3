"""The variables of this environment and of `.env`, not checked. It loads no pydantic, which takes 0.2 s."""

import hashlib
import os
from pathlib import Path

from dotenv import dotenv_values

from penstock.domain.errors import InvalidSettings
from penstock.local_service import DEFAULT_HOME

HOME, LINGER_SECONDS = "PENSTOCK_HOME", "PENSTOCK_LINGER_SECONDS"


def read_variables() -> dict[str, str | None]:
    """The variables, their names in capitals: case does not matter. Raises `InvalidSettings` if `.env` cannot be
    read."""
    try:
        return {name.upper(): value for name, value in (dotenv_values(".env") | os.environ).items()}
    except (OSError, UnicodeDecodeError) as unreadable:
        raise InvalidSettings(f"The file .env cannot be read: {unreadable}.") from unreadable


def variables_digest() -> str:
    """A digest of all variables that may be settings. Where it is that of a running service, which has checked them,
    the settings are the same and valid. Raises as `read_variables`."""
    given = {name: value for name, value in read_variables().items() if name.startswith(("PENSTOCK_", "PREFECT_"))}
    return hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()


def read_root(home: Path | None = None) -> Path:
    """The root that `Settings` would have with this home. Raises the same."""
    return (home or Path(read_variables().get(HOME) or DEFAULT_HOME)).expanduser().resolve()
