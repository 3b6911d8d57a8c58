"""Where the demonstration is shown: the terminal, and a sheet that becomes a picture."""

import re
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from carrel.system import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

WIDTH_OF_PICTURE = 100
TAKEN = 62
"""Columns that the widest table needs without its last column."""
LEAST = 40
_FONTS = re.compile(r"@font-face \{.*?\n    \}\n", re.DOTALL)


class Show:
    """Prints things, and draws them when a picture is wanted.

    Args:
        quiet: Print nothing.
        drawing: Keep a sheet for a picture.
    """

    def __init__(self, *, quiet: bool, drawing: bool) -> None:
        self.quiet = quiet
        self.console = Console(highlight=False, width=terminal.columns())
        self._sheet: Console | None = None
        if drawing:
            self._sheet = Console(
                record=True,
                file=StringIO(),
                width=WIDTH_OF_PICTURE,
                force_terminal=True,
                color_system="truecolor",
                highlight=False,
            )

    @property
    def room(self) -> int:
        """Columns for one more fact a line, on the terminal and on the sheet; 0 for none."""
        left = self.console.width - TAKEN
        return left if self._sheet is None and left >= LEAST else 0

    def put(self, *things: "RenderableType") -> None:
        """Show things below what is shown already."""
        for thing in things:
            if not self.quiet:
                whole = isinstance(thing, Text) and bool(thing.no_wrap)  # to be copied as it is
                self.console.print(thing, soft_wrap=whole)
            self.draw(thing)

    def draw(self, thing: "RenderableType") -> None:
        """Draw a thing that the terminal has shown in another way."""
        if self._sheet is not None:
            self._sheet.print(thing)

    def growing(self, things: "Iterable[RenderableType]") -> None:
        """Show the states of one thing (one at least), each in place of the one before."""
        last: RenderableType = ""
        if self.quiet or not self.console.is_terminal:
            last = list(things)[-1]
            if not self.quiet:
                self.console.print(last)
        else:
            with Live(console=self.console, auto_refresh=False) as live:
                for last in things:
                    live.update(last, refresh=True)
        self.draw(last)

    def picture(self) -> str:
        """Return the drawing as SVG, with the reader's own fonts."""
        if self._sheet is None:
            return ""
        svg = self._sheet.export_svg(title="carrel demo", unique_id="carrel-demo")
        return "\n".join(line.rstrip() for line in _FONTS.sub("", svg).splitlines()) + "\n"
