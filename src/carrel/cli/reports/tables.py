"""A report on a terminal: its table, its summary, and what limits its numbers."""

from collections.abc import Mapping

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.reports.values import Tone, right, said, tone
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column, Paint
from carrel.cli.wording import count, moment, shown, zone_name
from carrel.domain.fleet.reports.report import Field, Kind, Report, Value

_SHRINKING = frozenset({Kind.TEXT, Kind.NAME})


def show(out: Output, report: Report) -> None:
    """Print a report for a person."""
    fields = [(at, field) for at, field in enumerate(report.fields) if not field.detail]
    if report.rows:
        zone = zone_name(report.at)
        columns = [_column(field, zone) for _, field in fields]
        paints = _paints(out.style)
        rows = [[_cell(out, paints, field, row[at]) for at, field in fields] for row in report.rows]
        out.table(columns, rows)
    else:
        out.line(report.nothing)
    close(out, report)


def close(out: Output, report: Report) -> None:
    """Print the summary of a report, and what limits its numbers."""
    left_out = report.total - len(report.rows)
    if left_out:
        out.line(out.style.dim(f"… and {count(left_out, 'row')} more."))
    if report.since is not None and report.until is not None:
        span = f"{moment(report.since)[:16]} to {moment(report.until)[:16]}"
        out.line(out.style.dim(f"{span} {zone_name(report.until)}"))
    facts = [
        f"{fact.title}: {out.style.bold(said(Field(fact.name, '', fact.kind), fact.value))}"
        for fact in report.facts
    ]
    out.line(" · ".join(facts))
    for note in report.notes:
        paragraph(out, f"{out.style.yellow('!')} ", shown(note.what))
        if note.cure:
            paragraph(out, f"  {out.style.green('→')} ", shown(note.cure))


def _column(field: Field, zone: str) -> Column:
    title = field.title.upper()
    if field.kind is Kind.MOMENT:
        title += f" ({zone})"
    return Column(title, right=right(field.kind), shrinks=field.kind in _SHRINKING)


def _cell(out: Output, paints: Mapping[Tone, Paint], field: Field, value: Value) -> Cell:
    text = said(field, value)
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
