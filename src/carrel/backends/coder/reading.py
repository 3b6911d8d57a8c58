"""Tolerant reading of what a deployment sends: what is missing or strange becomes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar, cast

Record = Mapping[str, object]
Name = TypeVar("Name", bound=StrEnum)

_EMPTY: Record = {}
_ZERO_YEAR = "0001-"
_NO_ID = "00000000-0000-0000-0000-000000000000"


def record(value: object) -> Record:
    """Return an object; an empty one when it is something else."""
    return cast("Record", value) if isinstance(value, dict) else _EMPTY


def records(value: object) -> list[Record]:
    """Return a list's objects; nothing when it is no list."""
    if not isinstance(value, list):
        return []
    return [cast("Record", item) for item in cast("list[object]", value) if isinstance(item, dict)]


def text(value: object) -> str:
    """Return a text; empty when it is something else."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """Return a whole number; 0 when it is something else."""
    return int(value) if isinstance(value, int | float) else 0


def moment(value: object) -> datetime | None:
    """Return a moment in UTC. Go's zero time means none, as null does."""
    if not isinstance(value, str) or value.startswith(_ZERO_YEAR):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo is UTC else _in_utc(read)


def _in_utc(read: datetime) -> datetime | None:
    try:
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except OverflowError:
        return None


def milliseconds(value: object) -> timedelta | None:
    """Return a length of time; None when it is zero or missing."""
    length = number(value)
    try:
        return timedelta(milliseconds=length) if length > 0 else None
    except OverflowError:
        return None


def identity(value: object) -> str:
    """Return an id that may be missing: a text, null, or an object that says whether it counts."""
    if isinstance(value, dict):
        held = cast("Record", value)
        value = held.get("uuid") if held.get("valid") is not False else None
    return value if isinstance(value, str) and value != _NO_ID else ""


def named(names: type[Name], value: object, unknown: Name) -> Name:
    """Return the member of that value; `unknown` for what newer deployments may say."""
    try:
        return names(text(value))
    except ValueError:
        return unknown
