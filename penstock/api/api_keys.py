"""The callers of API keys, looked up in the records and cached for two seconds."""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from anyio import CapacityLimiter, Semaphore, to_thread

from penstock.api.throttling.rate_limit import RateLimiter
from penstock.domain import errors
from penstock.domain.api_keys import Caller
from penstock.records.api_keys import Keys

# How long a revoked key may still work; a busy key is looked up once in this time, not at every request.
CACHE_SECONDS = 2.0
# A key that was valid within this time is looked up even while its address is limited for guessing keys.
TRUSTED_SECONDS = 3600.0
MAX_CACHED_KEYS = 10_000


class CallerCache:
    """Valid and unknown keys are cached. Addresses that send unknown keys are rate limited: beyond the limit their keys
    are not looked up, except those that were valid within the hour."""

    def __init__(
        self,
        keys: Keys,
        failures: RateLimiter,
        lookups: CapacityLimiter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys, self._failures, self._lookups, self._clock = keys, failures, lookups, clock
        self._semaphore = Semaphore(int(lookups.total_tokens))
        self._cached: OrderedDict[bytes, tuple[Caller | None, float]] = OrderedDict()

    async def find(self, token: str, address: str) -> Caller | None:
        """The caller of a token sent from an address; None if it is unknown or revoked. Raises `RateLimited`."""
        digest = hashlib.sha256(token.encode()).digest()
        if self._is_fresh(digest):
            return self._cached[digest][0]
        async with self._semaphore:  # of concurrent requests with one key only the first ones look it up
            if not self._is_fresh(digest):
                self._require_allowed(digest, rate_limit_key(address))
                caller = await to_thread.run_sync(self._keys.find_caller, token, limiter=self._lookups)
                self._store(digest, caller)
                if caller is None:
                    self._failures.take(rate_limit_key(address))
        return self._cached[digest][0]

    def _is_fresh(self, digest: bytes) -> bool:
        return digest in self._cached and self._clock() < self._cached[digest][1] + CACHE_SECONDS

    def _require_allowed(self, digest: bytes, key: str) -> None:
        caller, since = self._cached.get(digest, (None, 0.0))
        trusted = caller is not None and self._clock() < since + TRUSTED_SECONDS
        if not trusted and (seconds := self._failures.seconds_left(key)):
            raise errors.RateLimited(
                f"Too many unknown API keys were sent from this address; try again in {seconds} s.",
                retry_after_seconds=seconds,
            )

    def _store(self, digest: bytes, caller: Caller | None) -> None:
        self._cached[digest] = (caller, self._clock())
        self._cached.move_to_end(digest)
        if len(self._cached) > MAX_CACHED_KEYS:
            self._cached.popitem(last=False)


def rate_limit_key(address: str) -> str:
    """The unit in which addresses are rate limited: an IPv4 address, or an IPv6 network /64, as one customer has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
