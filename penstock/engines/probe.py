"""The facts of a file, whatever it is, read in a child of the nursery."""

from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain.media import Media
from penstock.engines.errands import Errand, send
from penstock.engines.job import Reach
from penstock.engines.sniff import sniff
from penstock.engines.tools import Tools

# To read a picture's blocks, or to decode all of it.
_LEAST_SECONDS = {"picture": 20.0, "prove": 60.0}
_BYTES_A_SECOND = 20 * 2**20


def probe(path: Path, tools: Tools) -> Media:
    """What the file is and holds. Raises an `InputError`, or `ResourceLimit` where reading it needs too much."""
    return _ask("examine", "picture", path, tools)


def glance(path: Path, tools: Tools) -> Media:
    """The same of a file that is still on its way: enough to plan with, no word on whether it is whole."""
    return _ask("glance", "picture", path, tools)


def proof(path: Path, tools: Tools) -> Media:
    """The same of a whole file; of a picture, every pixel is decoded."""
    return _ask("examine", "prove", path, tools)


def _ask(of_what_lasts: str, of_pictures: str, path: Path, tools: Tools) -> Media:
    sniffed = sniff(path)
    errand = Errand(
        function=of_what_lasts if sniffed.reader == "libav" else of_pictures,
        arguments=(str(path), sniffed.container, sniffed.opener, tools.limits),
        reach=Reach(reading=(str(path),)),
        seconds=_LEAST_SECONDS[of_pictures] + path.stat().st_size / _BYTES_A_SECOND,
        memory_bytes=tools.limits.child_memory_bytes,
    )
    return TypeAdapter(Media).validate_python(send(tools.nursery, errand))
