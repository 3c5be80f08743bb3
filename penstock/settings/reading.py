"""Reads the settings from the environment and from `.env`."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from penstock.domain.errors import InvalidSettings
from penstock.settings import errors
from penstock.settings.model import Settings

PREFIX = "PENSTOCK_"
# Read by others than the service: the folder of real media files by the tests, the address by clients, and by commands
# what `penstock env` has set.
OTHER_VARIABLES = frozenset(("PENSTOCK_CORPUS", "PENSTOCK_API_URL", "PENSTOCK_OWN_URLS"))


def variable_of(name: str) -> str:
    """The environment variable of a field."""
    return str(Settings.model_fields[name].validation_alias or PREFIX + name.upper())


def read_settings(home: Path | None = None) -> Settings:
    """The settings of this environment; `home` overrides the variable. Raises `InvalidSettings` with every error."""
    variables = {name: variable_of(name) for name in Settings.model_fields}
    found: list[str] = []
    try:
        # Not pydantic-settings: it takes 0.1 s to import, which every command would pay.
        environment = dotenv_values(".env") | os.environ
        found += errors.name_errors(environment, frozenset(variables.values()) | OTHER_VARIABLES)
        settings = Settings.model_validate(_given(environment) | ({} if home is None else {"home": home}))
    except ValidationError as invalid:
        found += errors.value_errors(invalid, variables)
        raise InvalidSettings(*found) from None  # pydantic's own text would show values, which may be secrets
    except (OSError, UnicodeDecodeError) as unreadable:
        raise InvalidSettings(f"The file .env cannot be read: {unreadable}.") from unreadable
    if found:
        raise InvalidSettings(*found)
    return settings


def _given(environment: Mapping[str, str | None]) -> dict[str, str | None]:
    """The values that are set, by field, or by its alias if it has one. Case does not matter in names of variables."""
    values = {variable.upper(): value for variable, value in environment.items()}
    keys = {name: str(field.validation_alias or name) for name, field in Settings.model_fields.items()}
    return {key: values[variable_of(name)] for name, key in keys.items() if values.get(variable_of(name)) is not None}
