"""A report as data: what its columns mean, its rows, its summary, and what to draw of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum

from carrel.domain.records import dataclass
from carrel.errors import BadInputError

Value = str | int | float | datetime | timedelta | None
Row = tuple[Value, ...]
NO_MATTER = ""
"""The value where a column does not apply to a row; None: it applies, and there is none."""


class Kind(StrEnum):
    """How a value is shown; as data it is what it is."""

    TEXT = "text"
    NAME = "name"
    """What the row is about."""
    STATE = "state"
    """One of a few words, some of which want a look."""
    MOMENT = "moment"
    SPAN = "span"
    COUNT = "count"
    HOURS = "hours"
    MONEY = "money"
    CREDITS = "credits"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        name: Stable, for JSON and CSV, and for sorting.
        title: For a person.
        kind: How it is shown.
        empty: What a person reads where there is no value.
        detail: Too much for a terminal; other shapes have it.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    empty: str = "-"
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the summary."""

    name: str
    title: str
    value: Value
    kind: Kind = Kind.COUNT


@dataclass(frozen=True, slots=True)
class Chart:
    """Something to draw: bars, or columns where the labels follow each other in time.

    Attributes:
        title: What it shows.
        label: What the labels are, for the table beside it.
        unit: What the numbers are.
        bars: Label and number.
        in_time: The labels follow each other.
        kind: How the numbers are shown.
    """

    title: str
    label: str
    unit: str
    bars: tuple[tuple[str, float], ...]
    in_time: bool = False
    kind: Kind = Kind.COUNT


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader must know to trust the numbers.

    Attributes:
        what: One sentence.
        cure: What would make it better; empty: nothing needs to.
    """

    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        name: Stable.
        title: For a person.
        at: When the fleet was seen.
        fields: The columns.
        rows: One value a column.
        facts: The summary, over all rows.
        charts: What to draw.
        notes: What could not be seen, and what else limits the numbers.
        since: Begin of the time it is about; None: it is about one moment.
        until: Its end.
        total: How many rows there are; more than `rows` holds when they were limited.
        nothing: What a person reads when there is no row.
        of: What its rows are, in JSON.
        scope: What it was narrowed to, for a person; empty: it is about the whole fleet.
    """

    name: str
    title: str
    at: datetime
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    facts: tuple[Fact, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[Note, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    total: int = 0
    nothing: str = "There is nothing to show."
    of: str = "workspaces"
    scope: str = ""


def arranged(report: Report, sort: str = "", limit: int = 0) -> Report:
    """Sort and cut the rows of a report; its summary and charts stay those of all rows.

    Args:
        report: The report.
        sort: A field's name, `-NAME` for the largest first; empty: as the report has them.
        limit: How many rows at most; 0: all.

    Raises:
        BadInputError: `bad_sort`, with the nearest name.
    """
    rows = report.rows
    if sort:
        at = _position(report, sort.removeprefix("-"))
        given = [row for row in rows if row[at] not in (None, NO_MATTER)]
        none = [row for row in rows if row[at] in (None, NO_MATTER)]
        given.sort(key=_key(at), reverse=sort.startswith("-"))
        rows = (*given, *none)
    return replace(report, rows=rows[:limit] if limit else rows, total=len(rows))


def as_data(row: Row) -> list[Value]:
    """Return a row's values for programs: what does not apply is None, too."""
    return [None if value == NO_MATTER else value for value in row]


def _key(at: int) -> Callable[[Row], tuple[str, object]]:
    def key(row: Row) -> tuple[str, object]:
        value = row[at]
        if isinstance(value, str):
            return "text", value.casefold()
        return "", value

    return key


def _position(report: Report, name: str) -> int:
    names = [field.name for field in report.fields]
    if name in names:
        return names.index(name)
    near = get_close_matches(name, names, n=1)
    raise BadInputError(
        "bad_sort",
        f"This report has no column {name!r} to sort by.",
        cure=f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(names)}.",
    )
