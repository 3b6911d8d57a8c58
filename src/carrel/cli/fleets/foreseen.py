"""What foresight tells, for people and as JSON documents."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from carrel.cli.fleets.documents import plan_document
from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.fleets.showing import show_plan
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, moment, shown, zone_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from carrel.control.fleet.foreseeing import Backtested, Foreseen, Simulation
    from carrel.domain.fleet.workspaces import FleetWorkspace
    from carrel.domain.governance.foresight import Halt, Sums

SOME = 20
"""So many rows are shown unless all are asked for."""
_MET = {
    "connected": "connected",
    "working": "AI agent",
    "unknown": "unknown",
    "came_back": "came back",
    "nobody": "",
}


def simulation_document(found: "Simulation") -> dict[str, object]:
    """Return what would happen at a moment."""
    decisions = Counter(str(one.wish) for one in found.decisions)
    return {
        "at": found.at,
        "seen_at": found.seen_at,
        "recorded": found.recorded,
        "plan": plan_document(found.plan),
        "decisions": dict(decisions),
        "stopped_before": _moments(found.projection.stopped),
        "started_before": _moments(found.projection.started),
    }


def _moments(
    found: "Iterable[tuple[FleetWorkspace, datetime]]",
) -> list[dict[str, object]]:
    return [{"workspace": one.full_name, "at": at} for one, at in found]


def show_simulation(out: Output, found: "Simulation") -> None:
    """Show what would happen at a moment."""
    style = out.style
    seen = "as it was recorded" if found.recorded else "as it was seen"
    head = style.bold(moment(found.at))
    told = f"the fleet {seen} at {moment(found.seen_at)}, nobody comes or goes."
    paragraph(out, f"{head}: ", told, indent=2)
    stopped, started = len(found.projection.stopped), len(found.projection.started)
    if stopped or started:
        out.line(
            f"Until then the deployment itself stops {count(stopped, 'workspace')} "
            f"and starts {count(started, 'workspace')}."
        )
    out.line()
    show_plan(out, found.plan)
    if found.plan.actions:
        out.line()
        out.line("Nothing was done, and nothing is planned: this is what a pass would do then.")


def backtest_document(found: "Backtested") -> dict[str, object]:
    """Return what would have been."""
    outcome = found.outcome
    return {
        "since": outcome.since,
        "until": outcome.until,
        "source": found.source,
        "policies": list(found.policies),
        "steps": outcome.steps,
        "currency": found.currency,
        **_sums(outcome.sums),
        "stops": [_halt(one) for one in outcome.halts],
        "hits": [_halt(one) for one in outcome.hits],
        "came_back": len(outcome.came_back),
        "by_policy": _by_policy(outcome.halts),
        "days": {day: _sums(sums) for day, sums in outcome.days.items()},
        "notes": list(found.notes),
    }


def _halt(one: "Halt") -> dict[str, object]:
    return {**record(one), "hit": one.met.hit}


def _sums(sums: "Sums") -> dict[str, object]:
    return {
        "running_hours": round(sums.hours, 2),
        "saved_hours": round(sums.saved_hours, 2),
        "money": round(sums.money, 2),
        "saved_money": round(sums.saved_money, 2),
    }


def _by_policy(halts: "Iterable[Halt]") -> dict[str, dict[str, float]]:
    found: dict[str, list[Halt]] = {}
    for one in halts:
        found.setdefault(one.policy, []).append(one)
    return {
        name: {
            "stops": len(mine),
            "hits": sum(one.met.hit for one in mine),
            "saved_hours": round(sum(one.hours for one in mine), 2),
            "saved_money": round(sum(one.money or 0.0 for one in mine), 2),
        }
        for name, mine in sorted(found.items())
    }


def show_backtest(out: Output, found: "Backtested", *, everything: bool = False) -> None:
    """Show what would have been."""
    outcome, style = found.outcome, out.style
    where = "recorded" if found.source == "recorded" else "from the deployment's logs"
    out.line(f"From {moment(outcome.since)} to {moment(outcome.until)}, {where}.")
    out.line()
    _saving(out, outcome.sums, found.currency, "ran", "would have been saved")
    hits, back = outcome.hits, outcome.came_back
    waits = "somebody came back and would have had to wait for a start."
    after = f"; after {len(back):,} of them {waits}"
    stops = style.bold(count(len(outcome.halts), "stop"))
    paragraph(out, stops, after if outcome.halts else " would have been.", indent=2)
    if hits:
        text = f"{count(len(hits), 'stop')} would have hit somebody at work."
        out.line(style.red(f"✗ {text}"))
    elif outcome.halts:
        out.line(style.green("✓ No stop would have hit anybody at work."))
    _policies(out, outcome.halts, found.currency)
    if hits:
        _listed(out, "Who would have been hit:", hits, everything=everything)
    rest = [one for one in outcome.halts if not one.met.hit]
    if everything and rest:
        _listed(out, "The other stops:", rest, everything=True)
    _notes(out, found.notes)


def _saving(out: Output, sums: "Sums", currency: str, was: str, saved: str) -> None:
    share = f" ({sums.saved_hours / sums.hours:.0%})" if sums.hours else ""
    style = out.style
    out.line(f"{sums.hours:,.0f} hours {was}; "
             f"{style.bold(f'{sums.saved_hours:,.0f} hours')}{share} {saved}.")  # fmt: skip
    if currency:
        out.line(f"{sums.money:,.2f} {currency} of it have a price; "
                 f"{style.bold(f'{sums.saved_money:,.2f} {currency}')} {saved}.")  # fmt: skip


def _policies(out: Output, halts: "Sequence[Halt]", currency: str) -> None:
    if not halts:
        return
    columns = [
        Column("POLICY"),
        Column("STOPS", right=True),
        Column("HITS", right=True),
        Column("HOURS SAVED", right=True),
        *([Column(f"{currency} SAVED", right=True)] if currency else []),
    ]
    rows = [[Cell(name), *(Cell(text) for text in _figures(values, money=bool(currency)))]
            for name, values in _by_policy(halts).items()]  # fmt: skip
    out.line()
    out.table(columns, rows)


def _figures(known: Mapping[str, float], *, money: bool) -> list[str]:
    whole = [f"{known['stops']:,}", f"{known['hits']:,}", f"{known['saved_hours']:,.0f}"]
    return [*whole, f"{known['saved_money']:,.2f}"] if money else whole


def _listed(out: Output, title: str, halts: "Sequence[Halt]", *, everything: bool) -> None:
    some = halts if everything else halts[:SOME]
    out.line()
    out.line(title)
    columns = [
        Column(f"WHEN ({zone_name(halts[0].at)})"),
        Column("WORKSPACE", shrinks=True),
        Column("POLICY"),
        Column("HOURS", right=True),
        Column("WHO"),
        Column("WHY", shrinks=True),
    ]
    out.table(columns, [
        [
            Cell(moment(one.at, zone=False)),
            Cell(shown(one.workspace), out.style.bold),
            Cell(one.policy),
            Cell(f"{one.hours:,.1f}"),
            Cell(_MET[str(one.met)]),
            Cell(shown(one.reason)),
        ]
        for one in some
    ])  # fmt: skip
    if len(some) < len(halts):
        out.line(f"… and {len(halts) - len(some):,} more: --show-all lists them, --json too.")


def _notes(out: Output, notes: "Iterable[str]") -> None:
    listed = list(notes)
    if listed:
        out.line()
    for note in listed:
        paragraph(out, f"{out.style.yellow('!')} ", shown(note))


def forecast_document(found: "Foreseen") -> dict[str, object]:
    """Return what is to be expected."""
    told = found.forecast
    outcome = told.outcome
    return {
        "since": told.since,
        "until": told.until,
        "rhythm": {
            "source": told.rhythm.source,
            "begin": told.rhythm.begin,
            "end": told.rhythm.end,
            "weeks": told.rhythm.weeks,
        },
        "sure": told.sure,
        "why": told.why,
        "currency": found.currency,
        **_sums(outcome.sums),
        "least": None if told.least is None else _sums(told.least),
        "most": None if told.most is None else _sums(told.most),
        "stops": len(outcome.halts),
        "hits": len(outcome.hits),
        "workspaces": [record(one) for one in told.workspaces],
        "by_policy": _by_policy(outcome.halts),
        "days": {day: _sums(sums) for day, sums in outcome.days.items()},
        "notes": list(found.notes),
    }


def show_forecast(out: Output, found: "Foreseen", *, everything: bool = False) -> None:
    """Show what is to be expected."""
    told, style = found.forecast, out.style
    span = f"From {moment(told.since)} to {moment(told.until)}"
    paragraph(out, span, ", as what is known of the past comes again.", indent=2)
    paragraph(out, f"How sure: {style.bold(told.sure)}. ", told.why, indent=2)
    out.line()
    sums = told.outcome.sums
    _saving(out, sums, found.currency, "without the policies", "saved by them")
    if told.least is not None and told.most is not None:
        low, high = (one.hours - one.saved_hours for one in (told.least, told.most))
        out.line(f"With the policies: {sums.hours - sums.saved_hours:,.0f} hours; "
                 f"from {low:,.0f} to {high:,.0f}, as weeks differ.")  # fmt: skip
    stops = count(len(told.outcome.halts), "stop")
    out.line(f"{stops}, {len(told.outcome.hits):,} of them while somebody is at work.")
    _policies(out, told.outcome.halts, found.currency)
    if told.workspaces:
        _expected(out, found, everything=everything)
    _notes(out, found.notes)


def _expected(out: Output, found: "Foreseen", *, everything: bool) -> None:
    workspaces = found.forecast.workspaces
    some = workspaces if everything else workspaces[:SOME]
    columns = [
        Column("WORKSPACE", shrinks=True),
        Column(f"FIRST STOP ({zone_name(workspaces[0].first)})"),
        Column("POLICY"),
        Column("STOPS", right=True),
        Column("HOURS SAVED", right=True),
    ]
    out.line()
    out.table(columns, [
        [
            Cell(shown(one.workspace), out.style.bold),
            Cell(moment(one.first, zone=False)),
            Cell(one.policy),
            Cell(f"{one.stops:,}"),
            Cell(f"{one.saved_hours:,.1f}"),
        ]
        for one in some
    ])  # fmt: skip
    if len(some) < len(workspaces):
        left = len(workspaces) - len(some)
        out.line(f"… and {left:,} more: --show-all lists them, --json too.")
