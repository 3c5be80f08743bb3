"""The text of a conversion's progress: `62 % · 3.1× · 0:14 left · transcoding`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

# Words of the client and of the service, for people.
_STEPS = {
    "": "starting",
    "sending": "uploading",
    "queued": "waiting for a worker",
    "validating": "checking",
    "uploading": "storing",
    "recording": "storing",
    "completed": "downloading",
}
# The states that tell a percentage of their own.
_COUNTED = ("sending", "transcoding")
# What follows in the same state when it has reached 100 %.
_NEXT_STEPS = {"sending": "checking", "transcoding": "verifying"}
# An estimate from less than this is wrong by more than it says.
_ESTIMATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one conversion is: the state, its percentage, when the state began and at which percentage (monotonic
    clock), and the input's duration in seconds, None if it has none or it is not known."""

    title: str
    state: str = ""
    percent: int = 0
    since: float = 0.0
    first_percent: int = 0
    duration: float | None = None

    def after(self, state: str, percent: int, now: float) -> "Reading":
        """The next reading. Speed and time left are measured from the first one of a state."""
        if state == self.state:
            return replace(self, percent=percent)
        return replace(self, state=state, percent=percent, since=now, first_percent=percent)

    def with_duration(self, seconds: float | None) -> "Reading":
        return replace(self, duration=seconds)

    @property
    def is_counted(self) -> bool:
        return self.state in _COUNTED and 0 < self.percent < 100

    @property
    def step(self) -> str:
        if self.percent == 100 and self.state in _NEXT_STEPS:
            return _NEXT_STEPS[self.state]
        return _STEPS.get(self.state, self.state)


def progress_text(readings: Sequence[Reading], done: int, total: int, now: float) -> str:
    """One conversion in full; of several how many are done, and each in short."""
    if total == 1:
        return " · ".join(_facts(readings[0], now)) if readings else ""
    return " · ".join((f"{done} of {total} done", *(_short(reading) for reading in readings)))


def _facts(reading: Reading, now: float) -> list[str]:
    if not reading.is_counted:
        return [reading.step]
    made, seconds = reading.percent - reading.first_percent, now - reading.since
    facts = [f"{reading.percent} %"]
    if made > 0 and seconds >= _ESTIMATE_SECONDS:
        if reading.state == "transcoding" and reading.duration:
            facts.append(f"{reading.duration * made / 100 / seconds:.1f}×")
        facts.append(f"{time_text((100 - reading.percent) * seconds / made)} left")
    return [*facts, reading.step]


def _short(reading: Reading) -> str:
    return f"{reading.title} {f'{reading.percent} %' if reading.is_counted else reading.step}"


def time_text(seconds: float) -> str:
    """`0:05`, `3:12`, `1:02:30`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
