"""Our deployments from a program that reaches only Prefect: `python deployments_by_name.py URL`.

It needs Prefect alone, with PREFECT_API_URL and PREFECT_API_AUTH_STRING (`penstock env` prints them)."""

import asyncio
import sys
from typing import Any

from prefect.deployments import arun_deployment

DEPLOYMENT = "convert-request/convert-request"


async def requested(request: dict[str, Any], *, timeout: float | None = None) -> Any:
    """The flow run of a request: ended, or with `timeout=0` as it was created."""
    return await arun_deployment(DEPLOYMENT, parameters={"request": request}, timeout=timeout, poll_interval=0.5)


async def main(url: str) -> None:
    request = {"url": url, "kind": "image", "format": "jpeg", "width": 80}
    run = await requested(request)
    task = await run.state.aresult()  # raises the message of a run that failed
    print(task["id"], task["status"])

    later = await requested(request | {"width": 81}, timeout=0)
    print(later.id)

    refused = await requested(request | {"at": 3})
    print(refused.state.message)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
