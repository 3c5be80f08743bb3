"""A service that outlives its command must not keep the command's folder busy, nor depend on it."""

import os

from dotenv import dotenv_values

from penstock.settings import Settings, variable_of

_PATHS = ("arrival_rules", "ffmpeg")


def leave_working_folder(settings: Settings) -> None:
    """Go to the home. What was read from `.env` of the folder, and paths that are relative to it, are kept in the
    environment, where the processes of the service find them."""
    for name, value in dotenv_values(".env").items():
        os.environ.setdefault(name, value or "")
    for name in _PATHS:
        if (path := getattr(settings, name)) is not None:
            os.environ[variable_of(name)] = str(path.absolute())
    settings.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chdir(settings.root)
