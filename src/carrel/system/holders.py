"""Runs of this machine's processes: who holds what, and whether they still live.

A run writes its name beside what it begins. Whoever finds the name later can tell whether that
run may still be at it.
"""

import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager

from carrel.system import identity

_live: set[str] = set()
"""The runs of this process."""


@contextmanager
def held() -> Generator[str]:
    """Give a run its name, and let it live for the block."""
    name = f"{identity.host()}:{identity.pid()}:{time.time():.0f}:{secrets.token_hex(4)}"
    _live.add(name)
    try:
        yield name
    finally:
        _live.discard(name)


def lives(name: str) -> bool | None:
    """Tell whether a run is still at it; None when it belongs to another machine."""
    host, _, rest = name.partition(":")
    number, _, rest = rest.partition(":")
    began = rest.partition(":")[0]
    if host != identity.host() or not number.isdecimal() or not began.isdecimal():
        return None
    if int(number) == identity.pid():
        return name in _live
    return identity.process_lives(int(number), float(began))
