"""What was decoded last time, by a fingerprint of the bytes it came from."""

from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import TypeVar, cast

T = TypeVar("T")


class Memory:
    """Values that were decoded from answers, one for each question. Safe for threads.

    A deployment sends whole lists, each time. Most of a fleet is as it was: the bytes of such a
    page are compared, not decoded.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, object]] = {}
        self._asked: set[str] = set()
        self._lock = Lock()

    def recall(self, question: str, content: bytes, decode: Callable[[], T]) -> T:
        """Return what `decode` made last time of the same bytes, or let it make it."""
        fingerprint = blake2b(content, digest_size=16).digest()
        with self._lock:
            self._asked.add(question)
            known = self._kept.get(question)
        if known is not None and known[0] == fingerprint:
            return cast("T", known[1])
        value = decode()
        with self._lock:
            self._kept[question] = (fingerprint, value)
        return value

    def forget_unasked(self) -> None:
        """Forget what nobody asked for since the last call: pages that are there no more."""
        with self._lock:
            self._kept = {name: kept for name, kept in self._kept.items() if name in self._asked}
            self._asked.clear()
