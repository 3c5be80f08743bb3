"""Signed links: what holds for each that is opened."""

import time
from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread
from fastapi import Request

from penstock.api.api_keys import rate_limit_key
from penstock.api.context import client_address, context_of
from penstock.domain import errors

Target = TypeVar("Target")


async def open_link(request: Request, expires: int, find: Callable[[], Target | None], invalid: str) -> Target:
    """What the link leads to, which `find` looks up in a thread. `expires`: seconds since 1970.

    Raises `TokenInvalid` with the message `invalid` if it has expired or leads nowhere, and `RateLimited` for an
    address that sends many such links."""
    context, address = context_of(request), rate_limit_key(client_address(request))
    if expires < time.time():  # known without a lookup
        raise errors.TokenInvalid(invalid)
    if seconds := context.invalid_link_rates.seconds_left(address):
        raise errors.RateLimited(
            f"Too many invalid links were opened from this address; try again in {seconds} s.",
            retry_after_seconds=seconds,
        )
    found = await to_thread.run_sync(find, limiter=context.threads.links)
    if found is None:
        context.invalid_link_rates.take(address)
        raise errors.TokenInvalid(invalid)
    return found
