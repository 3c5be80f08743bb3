"""What a process has counted since it last wrote that to the records."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

Name = Literal["accepted", "attempts_lost", "children_killed", "stage_seconds", "stage_bucket", "stage_count"]
Key = tuple[Name, str]

# Seconds. A picture takes fractions of one, a film minutes, and waiting for an encoder slot hours.
STAGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
INFINITY = "+Inf"


class Counts:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: defaultdict[Key, float] = defaultdict(float)

    def add(self, name: Name, label: str = "") -> None:
        """Count one."""
        self.add_all({(name, label): 1})

    def add_stage(self, stage: str, seconds: float) -> None:
        """Count a stage that took so long, as a histogram does: in each bucket whose limit it did not exceed."""
        limits = [*(f"{limit:g}" for limit in STAGE_BUCKETS if seconds <= limit), INFINITY]
        buckets: dict[Key, float] = {("stage_bucket", f"{stage} {limit}"): 1 for limit in limits}
        self.add_all({("stage_seconds", stage): seconds, ("stage_count", stage): 1, **buckets})

    def add_all(self, counted: Mapping[Key, float]) -> None:
        with self._lock:
            for key, value in counted.items():
                self._counted[key] += value

    def take(self) -> dict[Key, float]:
        """What was counted; it starts at nothing again. Give it back with `add_all` where it could not be written."""
        with self._lock:
            taken, self._counted = dict(self._counted), defaultdict(float)
        return taken
