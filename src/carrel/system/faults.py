"""Points between two steps at which a crash test may kill the process.

Unless a test armed one (`CARREL_FAULT=NAME` or `NAME:TIMES` in the environment, or `arm`),
passing a point costs one comparison.
"""

import os
import signal


class _Fuse:
    """Which point kills, after how many passes; and the points passed, when traced."""

    def __init__(self, armed: str) -> None:
        self.name, _, later = armed.partition(":")
        self.left = int(later or 0)
        self.passed: list[str] | None = None


_fuse = _Fuse(os.environ.get("CARREL_FAULT", ""))


def point(name: str) -> None:
    """Die here by SIGKILL if the crash test says so."""
    if _fuse.passed is not None:
        _fuse.passed.append(name)
    if _fuse.name != name:
        return
    if _fuse.left:
        _fuse.left -= 1
        return
    os.kill(os.getpid(), signal.SIGKILL)


def arm(spec: str) -> None:
    """Let this process die at `NAME`, or at `NAME:TIMES` after so many passes."""
    fuse = _Fuse(spec)
    _fuse.name, _fuse.left = fuse.name, fuse.left


def trace() -> list[str]:
    """Start noting the points that this process passes; the list grows as it goes on."""
    _fuse.passed = []
    return _fuse.passed
