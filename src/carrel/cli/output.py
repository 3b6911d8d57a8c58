"""What a command prints: one JSON document, or lines for a person."""

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from carrel.cli.failing import HUNG_UP
from carrel.cli.plain import plain
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column, layout
from carrel.system import terminal

if TYPE_CHECKING:
    from threading import Event

PATIENCE = 0.4
"""Seconds after which a person wants to know that something goes on."""


class Output:
    """Standard output of one command.

    Args:
        as_json: Whether `document` prints, or `line` and `table` do.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.style = Style.of(sys.stdout)

    def document(self, content: Mapping[str, object]) -> None:
        """Print the JSON document, if one was asked for."""
        if self.as_json:
            self._write(json.dumps(plain(content), indent=2))

    def line(self, text: str = "") -> None:
        """Print a line for a person."""
        if not self.as_json:
            self._write(text)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table for a person; never wider than the terminal, never cut in a pipe."""
        room = terminal.columns() if sys.stdout.isatty() else None
        if not self.as_json:
            for text in layout(columns, rows, heading=self.style.dim, room=room):
                self._write(text)

    @contextmanager
    def working(self, what: str) -> Generator[None]:
        """Show on standard error that something goes on, once it takes longer than a moment."""
        if self.as_json or not sys.stderr.isatty():
            yield
            return
        with _waiting(what):
            yield

    def _write(self, text: str) -> None:
        try:
            sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
            sys.stdout.flush()
        except BrokenPipeError as error:
            terminal.silence()
            raise typer.Exit(HUNG_UP) from error


@contextmanager
def _waiting(what: str) -> Generator[None]:
    from threading import Event, Thread

    over = Event()
    thread = Thread(target=_spin, args=(what, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _spin(what: str, over: "Event") -> None:
    if over.wait(PATIENCE):
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} …"):
        over.wait()
