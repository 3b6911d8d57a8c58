"""Looking at times to live again and again: the whole at first, then what has changed."""

from datetime import timedelta
from typing import TYPE_CHECKING

from carrel.cli import failing
from carrel.cli.fleets.lives import (
    STANDINGS,
    compliance_document,
    paint_of,
    show_compliance,
    show_counts,
)
from carrel.cli.output import Output
from carrel.cli.wording import moment, shown
from carrel.errors import CarrelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from carrel.control.fleet.living import Compliance
    from carrel.ports.clock import Clock


class Watching:
    """Tells of one look after the other.

    Args:
        out: Where to.
        everything: Also what is as usual is listed.
    """

    def __init__(self, out: Output, *, everything: bool) -> None:
        self._out = out
        self._everything = everything
        self._before: dict[str, str] | None = None

    def go_on(self, clock: "Clock", pause: timedelta, look: "Callable[[], Compliance]") -> None:
        """Look, tell, wait; until the caller is interrupted. Later looks may fail.

        Raises:
            CarrelError: The first look failed.
        """
        while True:
            began = clock.now()
            try:
                with self._out.working("Looking at the fleet"):
                    found = look()
            except CarrelError as error:
                if self._before is None:
                    raise
                failing.show(error, as_json=self._out.as_json)
            else:
                self.tell(found)
            left = pause - (clock.now() - began)
            clock.wait(max(0.0, left.total_seconds()))

    def tell(self, found: "Compliance") -> None:
        """Tell of one look."""
        out = self._out
        out.document(compliance_document(found, everything=self._everything))
        out.line(out.style.dim(moment(found.at)))
        now = {one.workspace.full_name: one.standing for one in found.every}
        if self._before is None:
            show_compliance(out, found, everything=self._everything)
        else:
            self._changes(self._before, now)
            show_counts(out, found)
        self._before = now

    def _changes(self, before: dict[str, str], now: dict[str, str]) -> None:
        out, style = self._out, self._out.style
        for name, standing in now.items():
            was = before.get(name)
            if was != standing:
                since = f" (it was: {STANDINGS.get(was, was)})" if was else " (it was off)"
                paint = paint_of(style, standing) or style.bold
                word = STANDINGS.get(standing, standing)
                out.line(f"  {style.bold(shown(name))}: {paint(word)}{style.dim(since)}")
        for name in before.keys() - now.keys():
            out.line(f"  {style.bold(shown(name))}: {style.dim('stopped')}")
