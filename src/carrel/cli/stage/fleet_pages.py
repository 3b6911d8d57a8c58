"""What the second half of the demonstration shows when an act is over."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from carrel.cli.stage import pages
from carrel.cli.wording import count, shown
from carrel.domain.governance.plans import Deed, Plan
from carrel.domain.records import dataclass

if TYPE_CHECKING:
    from carrel.control.demo.night import Sight
    from carrel.control.fleet.applying import Report
    from carrel.planning.explaining import Explanation

_MOST = 5
_CLOCK = "%H:%M"


@dataclass(frozen=True, slots=True)
class Hour:
    """One line of the evening."""

    sight: "Sight"
    what: str


def rules(text: str) -> Text:
    """Return what the fleet is governed by."""
    lines = "\n".join(f"  │ {line}".rstrip() for line in text.strip().splitlines())
    return Text(lines, "dim", no_wrap=True, overflow="ignore")


def evening(hours: "Sequence[Hour]") -> Table:
    """Return the evening so far."""
    return _table(
        ("UTC", "RUN", "IN USE", ""),
        [
            (f"{one.sight.at:{_CLOCK}}", str(one.sight.running), str(one.sight.in_use), one.what)
            for one in hours
        ],
        ("", "", "yellow", ""),
    )


def stops(plan: Plan) -> Table:
    """Return the stops of a plan, one line a reason."""
    reasons: dict[str, list[str]] = {}
    for action in plan.actions:
        reasons.setdefault(action.reason, []).append(action.workspace)
    ranked = sorted(reasons.items(), key=lambda pair: -len(pair[1]))
    rows = [(_who(names), shown(_short(reason))) for reason, names in ranked[:_MOST]]
    more = sum(len(names) for _, names in ranked[_MOST:])
    if more:
        rows.append((f"… {more} more", "each with its own reason"))
    return _table(("STOP", "WHY"), rows, ("", "dim"))


def _who(names: "Sequence[str]") -> str:
    return shown(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _short(reason: str) -> str:
    """Return a reason without its first words, which all have."""
    return reason.removeprefix("Its quiet hours (").replace(") began", " began", 1)


def spared(plan: Plan) -> Table:
    """Return what was left alone, one line a reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in plan.held_back:
        reasons.setdefault(reason, []).append(name)
    rows = [(_who(names), shown(reason)) for reason, names in reasons.items()]
    return _table(("LEFT ALONE", "WHY"), rows, ("green", "dim"))


def pace(minutes: "Mapping[datetime, int]", total: int) -> Iterator[Table]:
    """Return how many stops had ended by each minute, growing."""
    rows: list[tuple[str, ...]] = []
    for minute, number in minutes.items():
        bar = "█" * round(30 * number / max(1, total))
        rows.append((f"{minute:{_CLOCK}}", f"{number} of {total}", bar))
        yield _table(("UTC", "STOPPED", ""), rows, ("", "", "cyan"))
    if not rows:
        yield _table(("UTC", "STOPPED", ""), rows, ("", "", ""))


def left(again: Plan) -> Text:
    """Return what a second look finds."""
    if not again.actions:
        return pages.checked("a second look finds nothing more to do")
    return pages.noted(f"a second look: {count(len(again.actions), 'more stop')} for another plan")


def saved(stopped: int, length: timedelta) -> str:
    """Return what the stops are worth."""
    hours = round(stopped * (length / timedelta(hours=1)))
    return f"until the morning these would have run for up to {hours:,} hours"


def explained(found: "Explanation") -> Table:
    """Return what each policy says that has something to say, and which wins."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    for one in found.heard:
        if one.outcome != "silent":
            verdict, colour = one.verdict, "green" if one.outcome == "wins" else "yellow"
            outcome = Text(one.outcome, colour)
            table.add_row(f"  {verdict.policy}", str(verdict.wish), outcome, shown(verdict.reason))
    return table


def undone(plan: Plan, report: "Report", stopped: int, running: int) -> str:
    """Return what taking back did."""
    done = {one.number for one in report.progress if one.state == "done"}
    starts = sum(
        one.deed in {Deed.START, Deed.RESUME} for one in plan.actions if one.number in done
    )
    others = stopped - starts
    spared = f" ({others} had been started by their owners)" if others else ""
    return f"{count(starts, 'workspace')} started again{spared}: {running} run"


def _table(
    titles: "Sequence[str]", rows: "Sequence[Sequence[str]]", styles: "Sequence[str]"
) -> Table:
    """Return a table whose last column is wrapped where there is no room."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, title in enumerate(titles):
        last = number == len(titles) - 1
        widest = max((len(row[number]) for row in rows), default=0)
        table.add_column(
            title,
            no_wrap=not last,
            overflow="fold",
            style=styles[number],
            min_width=None if last else max(len(title), widest),
            ratio=1 if last else None,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
