"""Values as JSON: the fields of results by their own names."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import cast


def plain(value: object) -> object:
    r"""Return a value as JSON knows it.

    Moments are ISO 8601 in UTC, durations seconds. A byte of a path that is not UTF-8 stays
    a surrogate escape, which JSON writes as `\udcNN`; Python's `os.fsencode` takes it back.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        return {str(plain(name)): plain(item) for name, item in pairs.items()}
    return _compound(value)


def record(value: object) -> dict[str, object]:
    """Return a dataclass as a JSON object."""
    return cast("dict[str, object]", _compound(value))


def _compound(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in cast("Iterable[object]", value)]
    return str(value)
