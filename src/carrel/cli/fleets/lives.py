"""Times to live as a person reads them, and as documents."""

from datetime import timedelta
from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph, show_gaps
from carrel.cli.fleets.spans import brief_span
from carrel.cli.output import Output
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column, Paint
from carrel.cli.wording import count, moment, shown, zone_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from carrel.control.fleet.living import Compliance, Living

STANDINGS = {
    "overdue": "should have stopped",
    "drift": "against the rules",
    "withheld": "unknown",
    "soon": "will stop soon",
    "unlimited": "never stop",
    "compliant": "in time",
}
"""The policy's words, in the order of urgency, and what a person reads."""
_USUAL = frozenset({"compliant"})
"""Standings that are listed on request only."""
_MILLISECOND = timedelta(milliseconds=1)


def compliance_document(found: "Compliance", *, everything: bool) -> dict[str, object]:
    """Return how what runs stands with its times to live."""
    return {
        "at": found.at,
        "threshold_seconds": int(found.threshold.total_seconds()),
        "organizations": found.organizations,
        "left_out": found.left_out,
        "running": len(found.every),
        "compliant": found.good,
        "percent": found.percent,
        "standings": found.counts,
        "should_have_stopped": [one.workspace.full_name for one in found.late],
        "will_stop_soon": [one.workspace.full_name for one in found.soon],
        "workspaces": [_document(one) for one in listed(found, everything=everything)],
        "gaps": found.gaps,
    }


def listed(found: "Compliance", *, everything: bool) -> "list[Living]":
    """Return what is listed: everything, or what wants a look."""
    return [one for one in found.every if everything or one.standing not in _USUAL]


def _document(one: "Living") -> dict[str, object]:
    workspace = one.workspace
    return {
        "workspace": workspace.full_name,
        "workspace_id": workspace.workspace_id,
        "owner": workspace.owner,
        "organization": workspace.organization,
        "template": workspace.template,
        "standing": one.standing,
        "reason": one.reason,
        "ttl_ms": None if workspace.ttl is None else workspace.ttl // _MILLISECOND,
        "running_since": workspace.running_since,
        "deadline": workspace.build.deadline,
        "max_deadline": workspace.build.max_deadline,
        "left_seconds": None if one.left is None else int(one.left.total_seconds()),
    }


def paint_of(style: Style, standing: str) -> Paint | None:
    """Return the colour of a standing."""
    return {
        "overdue": style.red,
        "drift": style.yellow,
        "withheld": style.yellow,
        "soon": style.cyan,
        "unlimited": style.yellow,
        "compliant": style.green,
    }.get(standing)


def show_compliance(out: Output, found: "Compliance", *, everything: bool) -> None:
    """Print how what runs stands with its times to live."""
    style = out.style
    show_counts(out, found)
    wanted = listed(found, everything=everything)
    if wanted:
        out.line()
        _show_table(out, found, wanted)
    unlisted = len(found.every) - len(wanted)
    if unlisted:
        out.line(style.dim(f"{count(unlisted, 'more is', 'more are')} in time: --show-all"))
    if found.left_out:
        what = count(found.left_out, "workspace runs", "workspaces run")
        out.line(style.dim(f"{what} in organizations that you are no member of: --all-orgs"))
    show_gaps(out, found.gaps)


def show_counts(out: Output, found: "Compliance") -> None:
    """Print how many stand how, in one sentence."""
    style = out.style
    if found.percent is None:
        out.line("Nothing runs.")
        return
    parts = [
        f"{found.counts[name]:,} {word}" for name, word in STANDINGS.items() if found.counts[name]
    ]
    paragraph(out, f"{len(found.every):,} running: ", f"{', '.join(parts)}.", indent=4)
    out.line(f"Compliance: {style.bold(f'{found.percent:g} %')}.")


def _show_table(out: Output, found: "Compliance", wanted: "Sequence[Living]") -> None:
    style = out.style
    columns = [
        Column("WORKSPACE", shrinks=True),
        Column("TEMPLATE", shrinks=True),
        Column("STANDING"),
        Column("TTL", right=True),
        Column(f"STOPS ({zone_name(found.at)})"),
        Column("IN", right=True),
    ]
    out.table(columns, [
        [
            Cell(shown(one.workspace.full_name), style.bold),
            Cell(shown(one.workspace.template)),
            Cell(_STANDINGS[one.standing], paint_of(style, one.standing)),
            Cell(brief_span(one.workspace.ttl) if one.workspace.ttl else "none"),
            Cell(_stops(one)),
            Cell(_left(one), paint_of(style, one.standing)),
        ]
        for one in wanted
    ])  # fmt: skip
    for reason, names in _reasons(wanted).items():
        head = (
            f"  {style.bold(shown(names[0]))}{f' and {len(names) - 1:,} more' * (len(names) > 1)}: "
        )
        paragraph(out, head, shown(reason), indent=4)


_STANDINGS = {
    "overdue": "late",
    "drift": "against rules",
    "withheld": "unknown",
    "soon": "soon",
    "unlimited": "never stops",
    "compliant": "in time",
}
"""Short, for a column."""


def _stops(one: "Living") -> str:
    deadline = one.workspace.build.deadline
    return moment(deadline, zone=False) if deadline else "never"


def _left(one: "Living") -> str:
    if one.left is None:
        return "-"
    return f"{brief_span(-one.left)} ago" if one.left < timedelta(0) else brief_span(one.left)


def _reasons(wanted: "Iterable[Living]") -> dict[str, list[str]]:
    """Return the sentences that the columns don't say, and of which workspaces."""
    found: dict[str, list[str]] = {}
    for one in wanted:
        if one.standing in {"drift", "withheld"}:
            found.setdefault(one.reason, []).append(one.workspace.full_name)
    return found
