"""What the engines take from the settings: the limits and the ffmpeg binary."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from penstock.domain.limits import Limits
from penstock.engines.tools import bundled_ffmpeg
from penstock.settings import Settings

# For tools that only probe and plan: to find the binary that would convert takes 60 ms.
UNUSED_FFMPEG = Path("ffmpeg")


def ffmpeg_of(settings: Settings) -> Path:
    return settings.ffmpeg or bundled_ffmpeg()


def limits_of(settings: Settings) -> Limits:
    """Each limit is the setting of its name, or of its name after `max_`."""
    return Limits(**{limit.name: setting_named(settings, limit.name, f"max_{limit.name}") for limit in fields(Limits)})


def setting_named(settings: Settings, *names: str) -> Any:
    """The value of the one setting that has one of these names."""
    (name,) = (name for name in names if name in Settings.model_fields)
    return getattr(settings, name)
