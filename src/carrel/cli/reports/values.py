"""Values of a report as a person reads them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from carrel.cli.fleets.spans import brief_span
from carrel.cli.wording import moment, shown, zone_name
from carrel.domain.fleet.reports.report import NO_MATTER, Field, Kind, Report, Value

_MINUTES = len("2026-01-31 12:00")


class Tone(StrEnum):
    """What a word means: well, worth a look, wrong, or at rest."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"
    REST = "rest"


TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("running", "active", "connected", "working", "compliant"), Tone.GOOD),
    **dict.fromkeys(
        ("starting", "stopping", "deleting", "building", "soon", "drift", "unlimited", "unknown",
         "withheld", "canceled"),
        Tone.LOOK,
    ),
    **dict.fromkeys(("failed", "overdue", "suspended"), Tone.BAD),
    **dict.fromkeys(("stopped", "dormant", "idle", "deleted"), Tone.REST),
}  # fmt: skip


def titled(report: Report, at: int) -> str:
    """Return a column's heading; where moments stand below, the person's zone is named."""
    field = report.fields[at]
    if field.kind is not Kind.MOMENT:
        return field.title
    return f"{field.title} ({zones(report, (row[at] for row in report.rows))})"


def zones(report: Report, values: Iterable[Value]) -> str:
    """Return the names of the person's zone at some moments: in summer it may have another."""
    found = {zone_name(value) for value in values if isinstance(value, datetime)}
    return "/".join(sorted(found)) or zone_name(report.at)


def stretch(since: datetime, until: datetime) -> str:
    """Return a time from one moment to another."""
    first, last = zone_name(since), zone_name(until)
    begin = moment(since)[:_MINUTES] + (f" {first}" if first != last else "")
    return f"{begin} to {moment(until)[:_MINUTES]} {last}"


def said(field: Field, value: Value, *, near: datetime | None = None) -> str:
    """Return a value as text; control characters in it are escaped.

    Args:
        field: Its column.
        value: It.
        near: Room is scarce: a moment of this one's year has no year, another no time of day.
    """
    if value is None:
        return field.empty
    if value == NO_MATTER:
        return ""
    if isinstance(value, datetime):
        return _moment(value, near)
    if isinstance(value, timedelta):
        return brief_span(value)
    if isinstance(value, str):
        return shown(value)
    return number(field.kind, value)


def number(kind: Kind, value: float) -> str:
    """Return a number of a kind."""
    if kind is Kind.MONEY:
        return f"{value:,.2f}"
    if kind is Kind.HOURS:
        return f"{value:,.1f}"
    if kind is Kind.PERCENT:
        return f"{value:.1f} %"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def tone(field: Field, value: Value) -> Tone | None:
    """Return what a value means; None: nothing in particular."""
    if field.kind is Kind.STATE and isinstance(value, str):
        return TONES.get(value)
    if isinstance(value, timedelta) and value < timedelta(0):
        return Tone.BAD
    return None


def right(kind: Kind) -> bool:
    """Whether values of a kind stand at the right."""
    return kind in {Kind.SPAN, Kind.COUNT, Kind.HOURS, Kind.MONEY, Kind.CREDITS, Kind.PERCENT}


def _moment(value: datetime, near: datetime | None) -> str:
    text = moment(value)[:_MINUTES]
    if near is None:
        return text
    here = moment(near)
    return text[len("2026-") :] if text[:4] == here[:4] else text[: len("2026-01-31")]
