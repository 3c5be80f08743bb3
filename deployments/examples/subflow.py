"""Our flow as a subflow, where the library and its settings are (`eval "$(penstock env)"`): `python subflow.py URL`.

The conversion runs in this process, without the API and without a worker."""

import sys
from typing import Any

from prefect import flow

from penstock.flows.convert import convert_request


@flow
def ingest(url: str) -> Any:
    """The Task as JSON; raises the message of a conversion that failed."""
    converted: Any = convert_request({"url": url, "kind": "image", "format": "png", "width": 70})
    return converted


if __name__ == "__main__":
    task: Any = ingest(sys.argv[1])
    print(task["status"], task["output"]["width"])
