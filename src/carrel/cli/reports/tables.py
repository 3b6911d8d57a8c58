"""A report on a terminal: its table, its summary, and what limits its numbers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.reports.values import Tone, right, said, stretch, titled, tone, zones
from carrel.cli.style import Style
from carrel.cli.table import GAP, LEAST, Cell, Column, Paint, width
from carrel.cli.wording import count, shown
from carrel.domain.fleet.reports.report import Field, Kind, Report, Value
from carrel.system import terminal

_BETWEEN = " · "


def show(out: Output, report: Report) -> None:
    """Print a report for a person; where room is scarce, moments are told in short first."""
    if not report.rows:
        out.line(report.nothing)
        close(out, report)
        return
    room = terminal.columns() if sys.stdout.isatty() else None
    columns, rows = _table(out, report, near=None)
    scarce = room is not None and _least(columns, rows, shrunk=False) > room
    if room is not None and scarce:
        columns, rows = _table(out, report, near=report.at)
        if _least(columns, rows, shrunk=True) > room:
            columns = [replace(column, shrinks=True) for column in columns]
    out.table(columns, rows)
    times = [at for at, field in _shown(report) if field.kind is Kind.MOMENT]
    if scarce and times:
        named = zones(report, (row[at] for row in report.rows for at in times))
        out.line(out.style.dim(f"Times are {named}."))
    close(out, report)


def _shown(report: Report) -> list[tuple[int, Field]]:
    return [(at, field) for at, field in enumerate(report.fields) if not field.detail]


def _table(
    out: Output, report: Report, near: datetime | None
) -> tuple[list[Column], list[list[Cell]]]:
    fields = _shown(report)
    paints = _paints(out.style)
    columns = [
        Column(
            (titled(report, at) if near is None else field.title).upper(),
            right=right(field.kind),
            shrinks=field.kind is Kind.TEXT,
        )
        for at, field in fields
    ]
    rows = [
        [_cell(out, paints, field, row[at], near) for at, field in fields] for row in report.rows
    ]
    return columns, rows


def _least(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, shrunk: bool) -> int:
    """Return how wide a table is, whole or with the columns cut that may be."""
    total = len(GAP) * (len(columns) - 1)
    for at, column in enumerate(columns):
        wide = max(width(column.title), *(width(row[at].text) for row in rows))
        total += min(wide, LEAST) if shrunk and column.shrinks else wide
    return total


def close(out: Output, report: Report) -> None:
    """Print the summary of a report, and what limits its numbers."""
    left_out = report.total - len(report.rows)
    if left_out:
        out.line(out.style.dim(f"… and {count(left_out, 'row')} more."))
    if report.scope:
        out.line(out.style.dim(f"Only {shown(report.scope)}"))
    if report.since is not None and report.until is not None:
        out.line(out.style.dim(stretch(report.since, report.until)))
    _facts(out, report)
    for note in report.notes:
        paragraph(out, f"{out.style.yellow('!')} ", shown(note.what))
        if note.cure:
            paragraph(out, f"  {out.style.green('→')} ", shown(note.cure))


def _facts(out: Output, report: Report) -> None:
    """Print the summary, broken between its facts where the terminal ends."""
    room = terminal.columns() if sys.stdout.isatty() else None
    line, taken = "", 0
    for fact in report.facts:
        text = said(Field(fact.name, "", fact.kind), fact.value)
        piece, long = f"{fact.title}: {out.style.bold(text)}", width(f"{fact.title}: {text}")
        if line and room is not None and taken + len(_BETWEEN) + long > room:
            out.line(line)
            line, taken = "", 0
        line += f"{_BETWEEN if line else ''}{piece}"
        taken += long + len(_BETWEEN)
    out.line(line)


def _cell(
    out: Output, paints: Mapping[Tone, Paint], field: Field, value: Value, near: datetime | None
) -> Cell:
    text = said(field, value, near=near)
    meant = tone(field, value)
    if meant is not None:
        return Cell(text, paints[meant])
    if field.kind is Kind.NAME:
        return Cell(text, out.style.bold)
    return Cell(text, out.style.dim if value is None else None)


def _paints(style: Style) -> dict[Tone, Paint]:
    return {
        Tone.GOOD: style.green,
        Tone.LOOK: style.yellow,
        Tone.BAD: style.red,
        Tone.REST: style.dim,
    }
