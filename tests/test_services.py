"""Each setting reaches the part that uses it."""

from dataclasses import asdict

import pytest

from penstock.domain.attempts import QueueLimits
from penstock.domain.limits import Limits
from penstock.settings import Settings
from penstock.settings.fetching import fetch_policy_of
from penstock.settings.limits import limits_of
from penstock.storage.http_source import FetchPolicy

UNDER_OTHER_NAMES = {"max_bytes": "max_video_input_bytes", "allow": "fetch_allow"}


def settings(**changed: object) -> Settings:
    return Settings(**changed)


def test_without_settings_the_limits_are_the_defaults(monkeypatch: pytest.MonkeyPatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PENSTOCK_{name.upper()}", raising=False)
    assert limits_of(settings()) == Limits()
    assert fetch_policy_of(settings()) == FetchPolicy(max_bytes=Limits().video_input_bytes)
    assert QueueLimits(settings().queue_per_project, settings().queue_total) == QueueLimits()


@pytest.mark.parametrize("limit", list(asdict(Limits())))
def test_every_limit_is_a_setting(limit: str):
    name = next(name for name in (f"max_{limit}", limit) if name in Settings.model_fields)
    value = {"child_memory_bytes": 2**28, "transcode_max_seconds": 777}.get(limit, 7)
    assert getattr(limits_of(settings(**{name: value})), limit) == value


@pytest.mark.parametrize("field", [name for name in FetchPolicy.__dataclass_fields__ if name != "resolve"])
def test_every_timeout_of_a_download_is_a_setting(field: str):
    name = UNDER_OTHER_NAMES.get(field, f"fetch_{field}")
    value = "10.0.0.0/8" if field == "allow" else 7
    assert getattr(fetch_policy_of(settings(**{name: value})), field) == value
