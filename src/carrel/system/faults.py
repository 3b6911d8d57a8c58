"""Points between two steps at which a crash test may kill the process.

A point costs one dictionary look-up; without `CARREL_FAULT` in the environment nothing else
happens. The test names one point and, after a colon, how often it is passed first.
"""

import os
import signal

_ARMED, _, _LATER = os.environ.get("CARREL_FAULT", "").partition(":")
_left = [int(_LATER or 0)]


def point(name: str) -> None:
    """Die here by SIGKILL if the crash test says so."""
    if _ARMED != name:
        return
    if _left[0]:
        _left[0] -= 1
        return
    os.kill(os.getpid(), signal.SIGKILL)
