"""Stays below a deployment's rate limit: a deployment counts requests for each path by itself."""

from collections import OrderedDict
from datetime import datetime, timedelta
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from carrel.ports.clock import Clock

if TYPE_CHECKING:
    from pyrate_limiter import InMemoryBucket

if find_spec("pyrate_limiter") is None:  # it is loaded late, but its absence is told at once
    raise ModuleNotFoundError("No module named 'pyrate_limiter'")

T = TypeVar("T")

_MOST_PATHS = 2_000
"""Paths that are remembered; the one unused for longest is forgotten first."""
_FEW = 30
"""So many requests to a path are counted by hand: a command that sends no more starts faster."""


class Throttle:
    """A bucket of requests for each path. Safe for threads.

    Args:
        clock: What tells the time and waits.
        per_minute: Requests a minute and path; 0: no limit.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._few: OrderedDict[str, list[int]] = OrderedDict()
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
            return self._counted(path, int(now.timestamp() * 1000)) if self._per_minute else 0.0

    def _counted(self, path: str, at: int) -> float:
        if path in self._buckets:
            return self._from_bucket(path, at)
        few = self._few.setdefault(path, [])
        self._few.move_to_end(path)
        if len(few) < min(_FEW, self._per_minute):
            few.append(at)
            _forget(self._few)
            return 0.0
        self._buckets[path] = _bucket(path, self._per_minute, self._few.pop(path))
        return self._from_bucket(path, at)

    def _from_bucket(self, path: str, at: int) -> float:
        from pyrate_limiter import RateItem  # noqa: PLC0415 - loaded with the bucket

        bucket = self._buckets[path]
        self._buckets.move_to_end(path)
        _forget(self._buckets)
        bucket.leak(at)
        item = RateItem(path, at)
        if bucket.put(item):
            return 0.0
        wanting = bucket.waiting(item)
        return max(wanting, 1) / 1000 if isinstance(wanting, int) else 1.0


def _bucket(path: str, per_minute: int, counted: list[int]) -> "InMemoryBucket":
    """Make a path's bucket, with the requests in it that were counted by hand."""
    from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem  # noqa: PLC0415 - 100 ms

    bucket = InMemoryBucket([Rate(per_minute, Duration.MINUTE)])
    for at in counted:
        bucket.put(RateItem(path, at))
    return bucket


def _forget(paths: OrderedDict[str, T]) -> None:
    if len(paths) > _MOST_PATHS:
        paths.popitem(last=False)
