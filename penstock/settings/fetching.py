"""The policy of downloads, from the settings."""

from dataclasses import fields

from penstock.settings import Settings
from penstock.settings.limits import setting_named
from penstock.storage.http_source import FetchPolicy


def fetch_policy_of(settings: Settings) -> FetchPolicy:
    """Each field is the setting of its name after `fetch_`; `max_bytes` is the largest input of any kind."""
    names = (policy.name for policy in fields(FetchPolicy) if policy.name not in ("max_bytes", "resolve"))
    policies = {name: setting_named(settings, f"fetch_{name}") for name in names}
    return FetchPolicy(max_bytes=settings.max_video_input_bytes, **policies)
