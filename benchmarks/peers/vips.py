"""One conversion for each line of JSON on the input, one line for an answer: libvips by pyvips, in a forked child for
each picture, as our own engine works. Run by an interpreter that has `pyvips-binary`."""

import json
import os
import sys
from typing import Any

import pyvips  # type: ignore[import-not-found, import-untyped, unused-ignore]

_LARGER_THAN_ANY = 1_000_000
_OWN: dict[str, dict[str, Any]] = {"webp": {"effort": 2}, "jpeg": {"interlace": True, "optimize_coding": True}}


def main() -> None:
    for line in sys.stdin:
        print(_in_a_child(json.loads(line)), flush=True)


def _in_a_child(peer_request: dict[str, Any]) -> str:
    child = os.fork()
    if not child:
        try:
            _convert(**peer_request)
            os._exit(0)
        finally:
            os._exit(1)
    return "{}" if os.waitpid(child, 0)[1] == 0 else '{"fault": "the child failed"}'


def _convert(source: str, target: str, width: int | None, **how: Any) -> None:
    box = {"height": _LARGER_THAN_ANY, "size": "down", "import_profile": "srgb", "export_profile": "srgb"}
    picture = pyvips.Image.thumbnail(source, width, **box) if width else pyvips.Image.new_from_file(source, n=-1)
    picture.write_to_file(target, Q=how["quality"], keep="none", **_OWN[how["format"]])


if __name__ == "__main__":
    main()
