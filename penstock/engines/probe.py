"""The facts of a file, whatever it is, read in a child of the nursery."""

from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain.media import Media
from penstock.engines.errands import Errand, send
from penstock.engines.job import Reach
from penstock.engines.sniff import Sniffed, sniff
from penstock.engines.tools import Tools

_LEAST_SECONDS = 20.0
_BYTES_A_SECOND = 20 * 2**20


def probe(path: Path, tools: Tools) -> Media:
    """What the file is and holds. Raises an `InputError`, or `ResourceLimit` where reading it needs too much."""
    told = send(tools.nursery, _errand(path, sniff(path), tools))
    return TypeAdapter(Media).validate_python(told)


def _errand(path: Path, sniffed: Sniffed, tools: Tools) -> Errand:
    return Errand(
        function="examine" if sniffed.reader == "libav" else "picture",
        arguments=(str(path), sniffed.container, sniffed.opener, tools.limits),
        reach=Reach(reading=(str(path),)),
        seconds=_LEAST_SECONDS + path.stat().st_size / _BYTES_A_SECOND,
        memory_bytes=tools.limits.child_memory_bytes,
    )
