"""One conversion with one call: `python one_call.py film.mov film.mp4`.

The service is that of PENSTOCK_API_URL and PENSTOCK_API_KEY, else the one that runs on this machine."""

import sys
from pathlib import Path

from penstock import convert, errors

source, target = map(Path, sys.argv[1:])
try:
    task = convert(source, format="mp4", width=320, progress=lambda state, percent: print(f"{state} {percent} %"))
except errors.UpscaleNotAllowed as refused:
    sys.exit(f"{source} is smaller than that: {refused.message}")
print(task.output.download(target, overwrite=True), task.saved_bytes)
