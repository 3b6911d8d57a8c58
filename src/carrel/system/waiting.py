"""Waits for something that others do."""

import time
from collections.abc import Callable

_FIRST = 0.001
_LONGEST = 0.05


def until(condition: Callable[[], bool], timeout: float) -> bool:
    """Ask again and again, at growing intervals, until `condition` holds or time is up.

    Returns:
        Whether it held.
    """
    deadline = time.monotonic() + timeout
    wait = _FIRST
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(wait)
        wait = min(wait * 2, _LONGEST)
    return True
