"""Progress of an encoder, by the output of ffmpeg's `-progress`."""

from penstock.sandbox.supervise import Watch

_MAX_LINE_BYTES = 4096


class Progress:
    """Reads `-progress` lines and reports whole percents to the watch, at most 99: the output is checked after that."""

    def __init__(self, watch: Watch, duration: float | None) -> None:
        self._watch, self._duration = watch, duration
        self._rest = b""
        self._microseconds = 0
        self._reported = -1

    def read(self, block: bytes) -> None:
        *lines, rest = (self._rest + block).split(b"\n")
        self._rest = rest[-_MAX_LINE_BYTES:]
        for line in lines:
            self._read_line(line)

    def progress_mark(self) -> object:
        return self._microseconds

    def _read_line(self, line: bytes) -> None:
        name, _, value = line.partition(b"=")
        if name != b"out_time_us" or not value.strip().lstrip(b"-").isdigit():
            return
        self._microseconds = int(value)
        percent = self._percent()
        if percent > self._reported:
            self._reported = percent
            self._watch.progress(percent)

    def _percent(self) -> int:
        if not self._duration:
            return 0
        return max(0, min(99, int(self._microseconds / 10_000 / self._duration)))
