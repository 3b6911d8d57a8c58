"""The table: 100 columns, one row a goal, and the notes of a row below it."""

import json
import textwrap
from collections.abc import Iterable

from harness.figures import Row

WIDTH = 100
_COLUMNS = (("operation", 34), ("goal", 14), ("measured (min–max)", 20), ("ours / git", 17))
_VERDICT = 7


def header() -> str:
    """Return the head of the table."""
    return f"{_line([name for name, _ in _COLUMNS])}  verdict\n{'─' * WIDTH}"


def row(one: Row) -> str:
    """Return a row with its notes."""
    verdict = {True: "reached", False: "MISSED", None: "skipped"}[one.reached]
    cells = [one.operation, one.goal, one.measured, one.times]
    folded = [
        textwrap.wrap(cell, width) or [""] for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    ]
    height = max(map(len, folded))
    lines = [
        _line([column[n] if n < len(column) else "" for column in folded]) for n in range(height)
    ]
    lines[0] = f"{lines[0]}  {verdict}"
    gap = f"{verdict if one.reached is not None else 'why'}: {one.gap}" if one.gap else ""
    for note in filter(None, (gap, *one.notes)):
        lines += textwrap.wrap(note, WIDTH - 4, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(line.rstrip() for line in lines)


def summary(rows: Iterable[Row]) -> str:
    """Return the last line."""
    rows = list(rows)
    count = {state: sum(one.reached is state for one in rows) for state in (True, False, None)}
    return f"{count[True]} reached, {count[False]} missed, {count[None]} skipped"


def as_json(facts: dict[str, object], rows: Iterable[Row]) -> str:
    """Return everything measured as one JSON document."""
    listed = [
        {
            "operation": one.operation,
            "goal": one.goal,
            "measured": one.measured,
            "times": one.times,
            "reached": one.reached,
            "gap": one.gap,
            "notes": list(one.notes),
            "samples": one.samples,
        }
        for one in rows
    ]
    return json.dumps({**facts, "rows": listed}, ensure_ascii=False, indent=1) + "\n"


def _line(cells: list[str]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
