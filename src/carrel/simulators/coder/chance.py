"""Chance and identities that a seed decides: the same seed gives the same world."""

from hashlib import blake2b
from random import Random
from uuid import UUID


def chance(*parts: object) -> Random:
    """Return random numbers that depend on these parts alone.

    One stream for each person and day keeps what one does from changing what others do.
    """
    return Random(_digest(parts))  # noqa: S311 - believable, not secret


def share(*parts: object) -> float:
    """Return one number from 0 up to 1 that depends on these parts alone."""
    return int.from_bytes(_digest(parts)[:6], "big") / (1 << 48)


def identity(*parts: object) -> str:
    """Return a UUID that depends on these parts alone."""
    return str(UUID(bytes=_digest(parts), version=4))


def _digest(parts: tuple[object, ...]) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()
