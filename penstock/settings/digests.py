"""Which settings of a running service differ from those of a command. Of their values, which may be secret, only a
digest is kept."""

import hashlib

from penstock.settings import Settings, variable_of

# What a command decides by itself, or knows from the running service.
_OWN = frozenset(("home", "api_key", "linger_seconds", "prefect_auth_string", "prefect_server_auth_string"))


def settings_digests(settings: Settings) -> dict[str, str]:
    """A short digest of each setting, by its variable."""
    return {
        variable_of(name): hashlib.sha256(repr(getattr(settings, name)).encode()).hexdigest()[:12]
        for name in Settings.model_fields
        if name not in _OWN
    }


def differing_settings(running: dict[str, str], settings: Settings) -> list[str]:
    """The variables whose values differ between the service with these digests and `settings`."""
    ours = settings_digests(settings)
    return [name for name, digest in running.items() if ours.get(name, digest) != digest]
