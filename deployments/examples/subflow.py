"""Our flow as a subflow, where the library and its settings are (`eval "$(penstock env)"`): `python subflow.py URL`.

The conversion runs in this process, without the API and without a worker."""

import sys
from typing import Any

from prefect import flow

from penstock import errors
from penstock.flows.convert import convert_request


@flow
def ingest(url: str, width: int) -> str:
    """What became of it. A refusal raises an error of `penstock.errors`."""
    try:
        task: Any = convert_request({"url": url, "kind": "image", "format": "png", "width": width})
    except errors.UpscaleNotAllowed as refused:
        return f"{refused.code}: {refused.message}"
    return f"{task['status']} {task['output']['width']}"


if __name__ == "__main__":
    for width in (70, 7000):
        print(ingest(sys.argv[1], width))
