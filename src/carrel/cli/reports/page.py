"""A report as one HTML file that needs nothing else: no script, no font, no picture, no address."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from carrel.cli.reports.charts import drawn, in_columns
from carrel.cli.reports.look import STYLE
from carrel.cli.reports.saving import MARK
from carrel.cli.reports.values import number, right, said, stretch, titled, tone
from carrel.cli.wording import count, moment, shown, zone_name
from carrel.domain.fleet.reports.report import Chart, Field, Kind, Report, Row, Value

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDE, _LONG = 60, 20
"""A text longer than this wraps on the screen; one longer than that, anywhere on paper."""


def page(report: Report, fleet: str) -> str:
    """Return a report as an HTML document that is well-formed XML, too.

    Args:
        report: The report.
        fleet: What a person calls the deployment.
    """
    return "\n".join(_parts(report, fleet)) + "\n"


def _parts(report: Report, fleet: str) -> Iterator[str]:
    title = escape(f"{report.title} · {shown(fleet)}")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>'
    yield MARK
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}"/>'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>"
    yield f"<h1>{escape(report.title)}</h1>"
    yield f'<p class="dim">{escape(shown(fleet))}, seen {_time(report.at)}</p>'
    if report.scope:
        yield f"<p>Only {escape(shown(report.scope))}</p>"
    if report.since is not None and report.until is not None:
        yield f"<p>From {escape(stretch(report.since, report.until))}</p>"
    yield "</header>\n<main>"
    yield from _facts(report)
    yield from _notes(report)
    for chart in report.charts:
        if any(value for _, value in chart.bars):
            yield from _figure(chart)
    yield from _table(report)
    yield "</main>\n<footer>Made by Carrel.</footer>"
    yield "</body>\n</html>"


def _time(at: datetime) -> str:
    return escape(f"{moment(at)[:16]} {zone_name(at)}")


def _facts(report: Report) -> Iterator[str]:
    if report.facts:
        yield "<dl>"
        for fact in report.facts:
            value = escape(said(Field(fact.name, "", fact.kind), fact.value))
            yield f"<div><dt>{escape(fact.title)}</dt><dd>{value}</dd></div>"
        yield "</dl>"


def _notes(report: Report) -> Iterator[str]:
    if report.notes:
        yield '<section class="notes" aria-label="What limits these numbers"><ul>'
        for note in report.notes:
            cure = f" <strong>{escape(shown(note.cure))}</strong>" if note.cure else ""
            yield f"<li>{escape(shown(note.what))}{cure}</li>"
        yield "</ul></section>"


def _figure(chart: Chart) -> Iterator[str]:
    title = escape(chart.title)
    shape = _classes("columns" if in_columns(chart) else "")
    yield f"<figure{shape}><figcaption>{title}</figcaption>{drawn(chart)}"
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{title}, as a table"><table>'
    yield (
        f'<thead><tr><th scope="col">{escape(chart.label)}</th>'
        f'<th scope="col" class="right">{escape(chart.unit[:1].upper() + chart.unit[1:])}</th>'
        "</tr></thead><tbody>"
    )
    for label, value in chart.bars:
        yield (
            f'<tr><th scope="row">{escape(shown(label))}</th>'
            f'<td class="right">{number(chart.kind, value)}</td></tr>'
        )
    yield "</tbody></table></div></figure>"


def _table(report: Report) -> Iterator[str]:
    yield "<h2>Rows</h2>"
    if not report.rows:
        yield f"<p>{escape(report.nothing)}</p>"
        return
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(report.title)}">'
    of = f" of {report.total:,}" if report.total > len(report.rows) else ""
    yield f"<table><caption>{count(len(report.rows), 'row')}{of}</caption><thead><tr>"
    yield "".join(
        f'<th scope="col"{_classes(*_of_column(field))}>{escape(titled(report, at))}</th>'
        for at, field in enumerate(report.fields)
    )
    yield "</tr></thead><tbody>"
    for row in report.rows:
        yield _row(report.fields, row)
    yield "</tbody></table></div>"


def _row(fields: tuple[Field, ...], row: Row) -> str:
    cells = "".join(_cell(field, value) for field, value in zip(fields, row, strict=True))
    return f"<tr>{cells}</tr>"


def _cell(field: Field, value: Value) -> str:
    text = said(field, value)
    meant = tone(field, value)
    classes = _classes(
        *_of_column(field),
        str(meant) if meant else "",
        "none" if value is None else "",
        "wide" if len(text) > _WIDE else "",
        "long" if len(text) > _LONG else "",
    )
    if field.kind is Kind.NAME:
        return f'<th scope="row"{classes}>{escape(text)}</th>'
    return f"<td{classes}>{escape(text)}</td>"


def _of_column(field: Field) -> tuple[str, ...]:
    return (
        "right" if right(field.kind) else "",
        "time" if field.kind is Kind.MOMENT else "",
        "id" if field.name.endswith("_id") else "",
    )


def _classes(*names: str) -> str:
    given = " ".join(name for name in names if name)
    return f' class="{given}"' if given else ""
