"""What will stop workspaces, and when: as a person reads it, and as documents."""

from datetime import timedelta
from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph, show_gaps
from carrel.cli.fleets.spans import brief_span
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, moment, shown, zone_name

if TYPE_CHECKING:
    from carrel.control.fleet.sources import Sourced, Sources


def sources_document(found: "Sources") -> dict[str, object]:
    """Return every source of a stop, by workspace."""
    return {
        "at": found.at,
        "prebuilt": found.prebuilt,
        "workspaces": [_workspace(one) for one in found.every],
        "gaps": found.gaps,
    }


def timeline_document(found: "Sources", within: timedelta | None) -> dict[str, object]:
    """Return the stops that will come, in the order of time."""
    return {
        "at": found.at,
        "stops": [_stop(one) for one in found.coming(within)],
        "never": [one.workspace.full_name for one in found.every if one.first is None],
        "prebuilt": found.prebuilt,
        "gaps": found.gaps,
    }


def _workspace(one: "Sourced") -> dict[str, object]:
    first = one.first
    return {
        "workspace": one.workspace.full_name,
        "workspace_id": one.workspace.workspace_id,
        "organization": one.workspace.organization,
        "template": one.workspace.template,
        "running": one.workspace.running,
        "stops_at": one.timeline.stops_at,
        "stopped_by": first.source if first else None,
        "drift": one.timeline.drift,
        "kept_because": one.kept,
        "sources": [record(entry) for entry in one.timeline.entries],
    }


def _stop(one: "Sourced") -> dict[str, object]:
    first = one.first
    return {
        "at": one.timeline.stops_at,
        "workspace": one.workspace.full_name,
        "workspace_id": one.workspace.workspace_id,
        "source": first.source if first else None,
        "by": first.by if first else None,
        "why": first.why if first else "",
    }


def show_sources(out: Output, found: "Sources") -> None:
    """Print which sources apply to each running workspace."""
    style = out.style
    if not found.every:
        out.line("Nothing runs.")
    else:
        columns = [
            Column("WORKSPACE", shrinks=True),
            Column(f"STOPS ({zone_name(found.at)})"),
            Column("BY", shrinks=True),
            Column("WHAT ELSE APPLIES", shrinks=True),
        ]
        out.table(columns, [
            [
                Cell(shown(one.workspace.full_name), style.bold),
                _when(out, one),
                Cell(one.first.source if one.first else "nothing"),
                Cell(_others(one)),
            ]
            for one in found.every
        ])  # fmt: skip
        _show_drift(out, found)
    show_left_out(out, found)


def _others(one: "Sourced") -> str:
    first = one.first
    known = one.timeline.entries
    return ", ".join(entry.source for entry in known if entry.applies and entry is not first)


def _when(out: Output, one: "Sourced") -> Cell:
    at = one.timeline.stops_at
    return Cell(moment(at, zone=False)) if at else Cell("never", out.style.yellow)


def _show_drift(out: Output, found: "Sources") -> None:
    drift: dict[str, list[str]] = {}
    for one in found.every:
        if one.timeline.drift:
            drift.setdefault(one.timeline.drift, []).append(one.workspace.full_name)
    for why, names in drift.items():
        more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        head = f"{out.style.yellow('!')} {out.style.bold(shown(names[0]))}{more}: "
        paragraph(out, head, shown(why), indent=2)


def show_one(out: Output, one: "Sourced") -> None:
    """Print every source for one workspace, those that apply first."""
    style, known = out.style, one.timeline
    name = style.bold(shown(one.workspace.full_name))
    state = "runs" if one.workspace.running else "does not run"
    first = one.first
    if known.stops_at is None or first is None:
        out.line(f"{name} {state}. As things stand, nothing stops it.")
    else:
        when = style.bold(moment(known.stops_at))
        out.line(f"{name} {state}. As things stand, it is stopped at {when} by {first.source}.")
    for title, applies in (("What applies", True), ("What does not", False)):
        entries = [entry for entry in known.entries if entry.applies is applies]
        if entries:
            out.line()
            out.line(style.dim(title))
        for entry in entries:
            at = moment(entry.at) if entry.at else ""
            source = f"{entry.source:<20}"
            painted = style.cyan(source) if applies else source
            when = f"  {style.bold(at)}" if at else ""
            out.line(f"  {painted}  {style.dim(f'{entry.by:<11}')}{when}")
            paragraph(out, "    ", shown(entry.why))
    for sentence in filter(None, (known.drift, one.kept and f"It is kept: {one.kept}")):
        out.line()
        paragraph(out, f"{style.yellow('!')} ", shown(sentence))


def show_timeline(out: Output, found: "Sources", within: timedelta | None) -> None:
    """Print the stops that will come, in the order of time."""
    style, stops = out.style, found.coming(within)
    if stops:
        columns = [
            Column(f"WHEN ({zone_name(found.at)})"),
            Column("IN", right=True),
            Column("WORKSPACE", shrinks=True),
            Column("BY", shrinks=True),
        ]
        rows: list[list[Cell]] = []
        for one in stops:
            at, first = one.timeline.stops_at or found.at, one.first
            left = at - found.at
            rows.append([
                Cell(moment(at, zone=False)),
                Cell(brief_span(left)) if left > timedelta(0) else Cell("now", style.red),
                Cell(shown(one.workspace.full_name), style.bold),
                Cell(first.source if first else ""),
            ])  # fmt: skip
        out.table(columns, rows)
    else:
        out.line("Nothing will be stopped" + (f" within {brief_span(within)}." if within else "."))
    never = sum(one.first is None for one in found.every)
    later = len(found.stopping) - len(stops)
    for number, what in ((later, "stopped later"), (never, "never stopped by anything")):
        if number:
            verb = "is" if number == 1 else "are"
            out.line(style.dim(f"{count(number, 'workspace')} {verb} {what}."))
    show_left_out(out, found)
    if stops:
        out.line(style.dim("Why: carrel autostop detect WS"))


def show_left_out(out: Output, found: "Sources") -> None:
    """Print what was left out, and what could not be seen."""
    if found.prebuilt:
        wait = "prebuilt workspace waits in its pool", "prebuilt workspaces wait in their pools"
        out.line(out.style.dim(f"{count(found.prebuilt, *wait)}."))
    show_gaps(out, found.gaps)
