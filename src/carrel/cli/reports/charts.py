"""Charts as inline SVG: bars, or columns for days and hours; colours come from the page."""

from dataclasses import replace
from html import escape

from carrel.cli.reports.values import number
from carrel.cli.wording import shown
from carrel.domain.fleet.reports.report import Chart

_FEW = 8
"""So many labels still fit beside bars; more that follow each other in time become columns."""
_WIDTH = 520
_LABEL, _NUMBER = 150, 70
_BAR, _STEP = 18, 26
_HEIGHT, _TOP, _FOOT = 190, 18, 26
_LETTERS = 22
_TICKS = 8


def drawn(chart: Chart) -> str:
    """Return a chart as one SVG element."""
    safe = tuple((shown(label), value) for label, value in chart.bars)
    chart = replace(chart, bars=safe)
    body, height = _columns(chart) if in_columns(chart) else _bars(chart)
    label = escape(f"{chart.title}: {_told(chart)}", quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}">{"".join(body)}</svg>'
    )


def in_columns(chart: Chart) -> bool:
    """Whether a chart is drawn as columns: many labels that follow each other in time."""
    return chart.in_time and len(chart.bars) > _FEW


def _told(chart: Chart) -> str:
    largest = max(chart.bars, key=lambda bar: bar[1])
    return f"most at {largest[0]}, {number(chart.kind, largest[1])} {chart.unit}"


def _bars(chart: Chart) -> tuple[list[str], int]:
    most = max((value for _, value in chart.bars), default=0) or 1
    room = _WIDTH - _LABEL - _NUMBER
    body: list[str] = []
    for at, (label, value) in enumerate(chart.bars):
        top = at * _STEP + 4
        long = max(value, 0) / most * room
        middle = top + _BAR / 2 + 4
        body.append(
            f"<g><title>{escape(label)}: {number(chart.kind, value)}</title>"
            f'<text class="label" x="{_LABEL - 8}" y="{middle:.0f}" text-anchor="end">'
            f"{escape(_cut(label))}</text>"
            f'<rect class="bar" x="{_LABEL}" y="{top}" width="{long:.1f}" height="{_BAR}" rx="2"/>'
            f'<text class="number" x="{_LABEL + long + 6:.1f}" y="{middle:.0f}">'
            f"{number(chart.kind, value)}</text></g>"
        )
    return body, len(chart.bars) * _STEP + 8


def _columns(chart: Chart) -> tuple[list[str], int]:
    most = max(value for _, value in chart.bars) or 1
    step = _WIDTH / len(chart.bars)
    high = _HEIGHT - _TOP - _FOOT
    base = _HEIGHT - _FOOT
    body = [
        f'<line class="axis" x1="0" y1="{base}" x2="{_WIDTH}" y2="{base}"/>',
        f'<line class="grid" x1="0" y1="{_TOP}" x2="{_WIDTH}" y2="{_TOP}"/>',
    ]
    top = f"{number(chart.kind, most)} {chart.unit}"
    body.append(f'<text class="number" x="0" y="{_TOP - 5}">{escape(top)}</text>')
    every = -(-len(chart.bars) // _TICKS)
    for at, (label, value) in enumerate(chart.bars):
        tall = max(value, 0) / most * high
        left = at * step
        body.append(
            f"<g><title>{escape(label)}: {number(chart.kind, value)}</title>"
            f'<rect class="bar" x="{left + step * 0.12:.1f}" y="{base - tall:.1f}" '
            f'width="{step * 0.76:.1f}" height="{tall:.1f}" rx="1"/></g>'
        )
        if at % every == 0:
            body.append(
                f'<text class="label" x="{left + step * 0.12:.1f}" y="{base + 16}">'
                f"{escape(_tick(label))}</text>"
            )
    return body, _HEIGHT


def _cut(label: str) -> str:
    return label if len(label) <= _LETTERS else label[: _LETTERS - 1] + "…"


def _tick(label: str) -> str:
    """Return a day without its year: the year stands in the report's head."""
    return label[5:] if len(label) == len("2026-01-31") and label[4] == "-" else label
