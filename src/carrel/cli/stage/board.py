"""The live table of the demonstration, and plain lines where there is no terminal."""

from threading import Lock
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.table import Table
from rich.text import Text

from carrel.cli.wording import brief, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.console import Console

    from carrel.control.demo.acts import Phase
    from carrel.control.demo.script import Agent

_COLOURS = {
    "starting": "dim",
    "working": "yellow",
    "saving": "cyan",
    "checking": "magenta",
    "repairing": "red",
    "valid": "green",
}


class Board:
    """Shows what every agent is at.

    Args:
        console: Where.
        agents: Who.
        quiet: Show nothing.
    """

    def __init__(self, console: "Console", agents: "Sequence[Agent]", *, quiet: bool) -> None:
        self._console = console
        self._agents = agents
        self._quiet = quiet
        self._now: dict[str, tuple[str, str]] = {}
        self._lock = Lock()
        self._live: Live | None = None
        if console.is_terminal and not quiet:
            self._live = Live(console=console, refresh_per_second=12, get_renderable=self.table)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif not self._quiet:
            self._console.print(self.table())

    def tell(self, agent: str, phase: "Phase", note: str) -> None:
        """Take note of one step."""
        told = f"saved as {brief(note)}" if phase.value == "valid" else shown(note)
        with self._lock:
            self._now[agent] = (phase.value, told)
            if self._live is None and not self._quiet:
                self._console.print(f"{agent:<5} {phase.value:<10} {told}", markup=False)

    def table(self) -> Table:
        """Return the table as it is now."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("AGENT", style="bold", no_wrap=True)
        table.add_column("TASK", no_wrap=True)
        table.add_column("IS", no_wrap=True)
        table.add_column("NOW", no_wrap=True, overflow="ellipsis", ratio=1)
        for agent in self._agents:
            phase, note = self._now.get(agent.name, ("", ""))
            mark = "✓ " if phase == "valid" else ""
            table.add_row(
                agent.name, agent.task, Text(mark + phase, _COLOURS.get(phase, "")), Text(note)
            )
        return table
