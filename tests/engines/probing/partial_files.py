"""A partial download from a local file."""

from dataclasses import dataclass, field

FIRST_BYTES = 256 * 1024


@dataclass
class PartialFile:
    """A partial download from a local file, `origin`."""

    origin: object
    path: object
    fetched: list = field(default_factory=list)

    @property
    def total(self):
        return self.origin.stat().st_size

    @property
    def received(self):
        return sum(end - start for start, end in self.fetched)

    @property
    def is_complete(self):
        return self.received == self.total

    def fetch(self, start, length):
        with self.origin.open("rb") as source, self.path.open("r+b") as target:
            source.seek(start)
            target.seek(start)
            target.write(part := source.read(length))
        self.fetched = merged([*self.fetched, (start, start + len(part))])


def merged(ranges):
    first, *rest = sorted(ranges)
    if not rest:
        return [first]
    tail = merged(rest)
    return [(first[0], tail[0][1]), *tail[1:]] if first[1] == tail[0][0] else [first, *tail]


def with_first_bytes(origin, tmp_path):
    """A partial download of the first 256 KiB."""
    found = PartialFile(origin, tmp_path / "input")
    with found.path.open("xb") as file:
        file.truncate(found.total)
    found.fetch(0, FIRST_BYTES)
    return found
