"""A table that fits: columns give way to the terminal's width, in a fixed order."""

from collections.abc import Callable, Sequence

from carrel.domain.records import dataclass

Paint = Callable[[str], str]
GAP = "  "
LEAST = 8
"""No column is cut to less."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with its colour; the colour has no width."""

    text: str
    paint: Paint | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Its heading.
        right: Numbers stand at the right.
        shrinks: It may be cut when the terminal is narrow.
    """

    title: str
    right: bool = False
    shrinks: bool = False


def layout(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    heading: Paint,
    room: int | None = None,
) -> list[str]:
    """Return the lines of a table.

    Args:
        columns: The columns.
        rows: One cell per column.
        heading: Colour of the headings.
        room: Width to fit into; None never cuts anything.
    """
    widths = [
        max(width(column.title), *(width(row[at].text) for row in rows))
        if rows
        else width(column.title)
        for at, column in enumerate(columns)
    ]
    if room is not None:
        widths = _fitted(columns, widths, room)
    head = [Cell(column.title, heading) for column in columns]
    return [_line(columns, widths, row) for row in (head, *rows)]


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, room: int) -> str:
    """Return a text cut to `room` columns, with a mark where something is missing."""
    if width(text) <= room:
        return text
    kept = text
    while kept and width(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…"


def _fitted(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    over = sum(widths) + len(GAP) * (len(widths) - 1) - room
    fitted = list(widths)
    while over > 0:
        able = [at for at, one in enumerate(columns) if one.shrinks and fitted[at] > LEAST]
        if not able:
            break
        widest = max(able, key=lambda at: fitted[at])
        fitted[widest] -= 1
        over -= 1
    return fitted


def _line(columns: Sequence[Column], widths: list[int], row: Sequence[Cell]) -> str:
    parts: list[str] = []
    for column, room, cell in zip(columns, widths, row, strict=True):
        text = cut(cell.text, room) if column.shrinks else cell.text
        blank = " " * max(0, room - width(text))
        painted = cell.paint(text) if cell.paint else text
        parts.append(blank + painted if column.right else painted + blank)
    return GAP.join(parts).rstrip()
