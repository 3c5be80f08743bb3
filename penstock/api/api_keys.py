"""Who is calling: the key's owner, looked up in the records, and remembered for a moment."""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from anyio import CapacityLimiter, Semaphore, to_thread

from penstock.api.limits.rate_limit import RateLimiter
from penstock.domain import errors
from penstock.domain.access import Caller
from penstock.records.keys import Keys

# So long a revoked key may still open something; a busy caller is looked up once in that time, not at every request.
REMEMBERED_SECONDS = 2.0
# Whose key was good within this time is looked up even where others of the same address guess keys.
TRUSTED_SECONDS = 3600.0
REMEMBERED_KEYS = 10_000


class CallerCache:
    """Good keys and unknown ones are remembered for two seconds. An address that sends unknown keys has a rate: beyond
    it, what it sends costs no look-up, unless the key was good within the hour."""

    def __init__(
        self,
        keys: Keys,
        failures: RateLimiter,
        lookups: CapacityLimiter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._failures, self._lookups, self._clock = keys, failures, lookups, clock
        self._turns = Semaphore(int(lookups.total_tokens))
        self._known: OrderedDict[bytes, tuple[Caller | None, float]] = OrderedDict()

    async def of(self, token: str, address: str) -> Caller | None:
        """Whom this token speaks for; None if it is unknown or revoked. Raises `RateLimited`."""
        name = hashlib.sha256(token.encode()).digest()
        if self._is_fresh(name):
            return self._known[name][0]
        async with self._turns:  # many who come at once with one key, or with many wrong ones, are seen one by one
            if not self._is_fresh(name):
                self._require_leave(name, rate_limit_key(address))
                caller = await to_thread.run_sync(self._keys.find_caller, token, limiter=self._lookups)
                self._remember(name, caller)
                if caller is None:
                    self._failures.take(rate_limit_key(address))
        return self._known[name][0]

    def _is_fresh(self, name: bytes) -> bool:
        return name in self._known and self._clock() < self._known[name][1] + REMEMBERED_SECONDS

    def _require_leave(self, name: bytes, place: str) -> None:
        caller, since = self._known.get(name, (None, 0.0))
        trusted = caller is not None and self._clock() < since + TRUSTED_SECONDS
        if not trusted and (seconds := self._failures.due(place)):
            raise errors.RateLimited(
                f"Too many unknown API keys were sent from this address; try again in {seconds} s.",
                retry_after_seconds=seconds,
            )

    def _remember(self, name: bytes, caller: Caller | None) -> None:
        self._known[name] = (caller, self._clock())
        self._known.move_to_end(name)
        if len(self._known) > REMEMBERED_KEYS:
            self._known.popitem(last=False)


def rate_limit_key(address: str) -> str:
    """An address as it is counted: of IPv6 the network that one customer is given, /64."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((read, 64), strict=False)) if read.version == 6 else str(read)
