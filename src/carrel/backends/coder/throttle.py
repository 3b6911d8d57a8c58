"""Stays below a deployment's rate limit: a deployment counts requests for each path by itself."""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

from carrel.ports.clock import Clock

_MOST_PATHS = 2_000
"""Paths that are remembered; the one unused for longest is forgotten first."""


class Throttle:
    """A bucket of requests for each path. Safe for threads.

    Args:
        clock: What tells the time and waits.
        per_minute: Requests a minute and path; 0: no limit.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._rates = [Rate(per_minute, Duration.MINUTE)] if per_minute else []
        self._buckets: OrderedDict[str, InMemoryBucket] = OrderedDict()
        self._held: dict[str, datetime] = {}
        self._lock = Lock()

    def take(self, path: str) -> None:
        """Wait until a request to a path may be sent."""
        while (seconds := self._wanting(path)) > 0:
            self._clock.wait(seconds)

    def hold(self, path: str, seconds: float) -> None:
        """Send nothing to a path for a while: the deployment asked for it."""
        until = self._clock.now() + timedelta(seconds=seconds)
        with self._lock:
            self._held[path] = max(until, self._held.get(path, until))

    def _wanting(self, path: str) -> float:
        """Take a request out of the bucket, or return how long to wait for one."""
        now = self._clock.now()
        with self._lock:
            held = self._held.get(path)
            if held is not None and held > now:
                return (held - now).total_seconds()
            self._held.pop(path, None)
            return self._from_bucket(path, int(now.timestamp() * 1000)) if self._rates else 0.0

    def _from_bucket(self, path: str, at: int) -> float:
        bucket = self._buckets.get(path) or InMemoryBucket(self._rates)
        self._buckets[path] = bucket
        self._buckets.move_to_end(path)
        if len(self._buckets) > _MOST_PATHS:
            self._buckets.popitem(last=False)
        bucket.leak(at)
        item = RateItem(path, at)
        if bucket.put(item):
            return 0.0
        wanting = bucket.waiting(item)
        return max(wanting, 1) / 1000 if isinstance(wanting, int) else 1.0
