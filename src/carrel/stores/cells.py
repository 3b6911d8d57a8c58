"""What stands in a cell: texts, numbers, moments, and how they get in and out unharmed.

A path on disk is bytes; in Python it is text with surrogate escapes, which neither database
takes. Such a text is stored escaped behind a marker; every other text is stored as it is, so
that a person who looks into the tables reads what was meant.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol, cast

from carrel.errors import BadInputError, FailedError

Cell = str | bytes | int | float | datetime | None
Record = Mapping[str, object]

_MARK = "\\escaped:"


class Connection(Protocol):
    """One open connection, as sessions need it: SQL with `:name` parameters."""

    def rows(self, statement: str, values: Mapping[str, Cell]) -> Sequence[Sequence[object]]:
        """Run a query and return all of its rows."""
        ...

    def run(self, statement: str, values: Mapping[str, Cell]) -> int:
        """Run a change and return how many rows it touched."""
        ...

    def run_many(self, statement: str, values: Sequence[Mapping[str, Cell]]) -> None:
        """Run one change with many sets of values."""
        ...

    def moment(self, at: datetime) -> Cell:
        """Return a moment in UTC without zone, as this database takes it."""
        ...


def record_of(columns: Sequence[str], row: Sequence[object]) -> Record:
    """Return the cells of a row by their columns."""
    return dict(zip(columns, row, strict=True))


def stored(text: str) -> str:
    """Return `text` as it is stored: itself, unless a database could not hold it."""
    if text.isascii():
        plain = "\0" not in text and not text.startswith(_MARK)
    else:
        plain = _encodable(text) and "\0" not in text
    return text if plain else _MARK + text.encode("unicode_escape").decode("ascii")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not text.startswith(_MARK)


def text_of(record: Record, column: str) -> str:
    """Return the text of a cell as it was before it was stored."""
    value = record[column]
    if not isinstance(value, str):
        raise _damaged(column, value)
    if value.startswith(_MARK):
        return value[len(_MARK) :].encode("ascii").decode("unicode_escape")
    return value


def optional_text_of(record: Record, column: str) -> str | None:
    """Return the text of a cell, or None."""
    return None if record[column] is None else text_of(record, column)


def number_of(record: Record, column: str) -> int:
    """Return the whole number of a cell."""
    value = record[column]
    if not isinstance(value, int):
        raise _damaged(column, value)
    return value


def amount_of(record: Record, column: str) -> float:
    """Return the number of a cell."""
    value = record[column]
    if not isinstance(value, int | float):
        raise _damaged(column, value)
    return float(value)


def bytes_of(record: Record, column: str) -> bytes:
    """Return the bytes of a cell."""
    value = record[column]
    if not isinstance(value, bytes | memoryview):
        raise _damaged(column, value)
    return bytes(cast("bytes", value))


def optional_number_of(record: Record, column: str) -> int | None:
    """Return the whole number of a cell, or None."""
    return None if record[column] is None else number_of(record, column)


def utc(at: datetime) -> datetime:
    """Return a moment in UTC, its zone left out.

    Raises:
        BadInputError: `naive_moment` when nobody can know which moment is meant.
    """
    if at.tzinfo is None:
        raise BadInputError(
            "naive_moment",
            f"The moment {at.isoformat()} has no time zone.",
            cure="Pass an aware datetime, such as datetime.now(UTC).",
        )
    return at.astimezone(UTC).replace(tzinfo=None)


def moment_of(record: Record, column: str) -> datetime:
    """Return the moment of a cell, in UTC."""
    value = record[column]
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(text_of(record, column)).replace(tzinfo=UTC)
    except ValueError as error:
        raise _damaged(column, value) from error


def json_of(record: Record, column: str) -> object:
    """Return the JSON value of a cell."""
    try:
        value: object = json.loads(text_of(record, column))
    except ValueError as error:
        raise _damaged(column, record[column]) from error
    return value


def as_json(value: object) -> str:
    """Return a value as compact JSON in ASCII, which holds surrogate escapes as well."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)


def plain_facts(data: Mapping[str, object]) -> dict[str, object]:
    """Return an event's facts as they will be read again: what is hashed must be what is stored.

    Raises:
        BadInputError: `bad_facts` when they are no JSON.
    """
    try:
        facts: dict[str, object] = json.loads(as_json(dict(data)))
    except (TypeError, ValueError) as error:
        raise BadInputError(
            "bad_facts",
            "These facts can't be written into the ledger.",
            why=f"They are no JSON: {error}.",
            cure="Pass texts, numbers, booleans, None, lists and mappings of them.",
        ) from error
    return facts


def _damaged(column: str, value: object) -> FailedError:
    return FailedError(
        "database_damaged",
        f"The database holds {type(value).__name__} {value!r:.60} where {column} is expected.",
        cure="Restore the database from a copy, or run `carrel db check`.",
    )
