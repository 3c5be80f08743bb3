"""A clock that jumps, for all processes of a service: libfaketime (https://github.com/wolfcw/libfaketime)."""

from dataclasses import dataclass
from pathlib import Path

import libfaketime


@dataclass(frozen=True, slots=True)
class WrongClock:
    """How wrong the wall clock is, in a file; the monotonic clock and the times of files are right."""

    file: Path

    def jump(self, offset: str) -> None:
        """Let the clock be wrong by so much from now on: "+2d", "-2d", "+0"."""
        new = self.file.with_suffix(".new")
        new.write_text(offset)
        new.rename(self.file)

    def environment(self) -> dict[str, str]:
        """What the processes have to be started with."""
        return {
            "LD_PRELOAD": str(next(Path(libfaketime.__file__).parent.rglob("libfaketime.so.1"))),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds; without a cache each look at the clock reads the file
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
