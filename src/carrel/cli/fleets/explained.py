"""Why something is done to a workspace or is not, as a person reads it, and as a document."""

from datetime import datetime
from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph, show_gaps
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import moment, shown, zone_name

if TYPE_CHECKING:
    from carrel.cli.style import Style
    from carrel.cli.table import Paint
    from carrel.planning.explaining import Explanation, Heard
    from carrel.planning.timeline import Timeline


def explanation_document(found: "Explanation") -> dict[str, object]:
    """Return an explanation."""
    workspace, winner = found.workspace, found.decision.winner
    return {
        "workspace": workspace.full_name,
        "workspace_id": workspace.workspace_id,
        "at": found.at,
        "answer": found.answer,
        "decision": found.decision.wish,
        "winner": winner.policy if winner else "",
        "due": winner.due if winner else None,
        "next_change": found.next_change,
        "inputs": [{"name": name, "value": value} for name, value in found.inputs],
        "rules": [
            {"outcome": one.outcome, "summary": one.summary, **record(one.verdict)}
            for one in found.heard
        ],
        "timeline": record(found.timeline),
        "gaps": list(found.gaps),
    }


def show_explanation(out: Output, found: "Explanation") -> None:
    """Print the answer, what each policy says, what will stop it and when, and the inputs."""
    style, workspace = out.style, found.workspace
    place = f"template {workspace.template}, organization {workspace.organization}"
    out.line(f"{style.bold(shown(workspace.full_name))}  {style.dim(shown(place))}")
    paragraph(out, f"{_mark(style, found)} ", shown(found.answer))
    if found.next_change is not None:
        text = f"By time alone the answer changes next at {moment(found.next_change)}."
    else:
        text = "By time alone the answer does not change."
    paragraph(out, "  ", text)
    show_gaps(out, found.gaps)
    out.line()
    out.line(style.dim("RULES"))
    for one in found.heard:
        _show_rule(out, one)
    out.line()
    _show_timeline(out, found.timeline, found.at)
    out.line()
    out.line(style.dim("INPUTS"))
    room = max(len(name) for name, _ in found.inputs)
    for name, value in found.inputs:
        paragraph(out, f"  {name:<{room}}  ", shown(value))


def _mark(style: "Style", found: "Explanation") -> str:
    wish = str(found.decision.wish)
    return style.red("■") if wish in {"stop", "sleep", "delete"} else style.green("✓")


_OUTCOMES = {
    "wins": "wins",
    "agrees": "agrees",
    "follows": "follows",
    "overruled": "overruled",
    "corrects": "corrects",
    "silent": "-",
}


def _show_rule(out: Output, heard: "Heard") -> None:
    style, verdict = out.style, heard.verdict
    silent = heard.outcome == "silent"
    paints: dict[str, Paint] = {
        "wins": style.green, "corrects": style.cyan, "overruled": style.yellow,
    }  # fmt: skip
    name, wish = f"{verdict.policy:<13}", f"{'' if silent else verdict.wish!s:<8}"
    outcome = paints.get(heard.outcome, style.dim)(f"{_OUTCOMES[heard.outcome]:<9}")
    told = style.dim(name) if silent else style.bold(name)
    paragraph(out, f"  {told}  {wish}  {outcome}  ", shown(verdict.reason))


def _show_timeline(out: Output, timeline: "Timeline", at: datetime) -> None:
    style = out.style
    applies = [one for one in timeline.entries if one.applies]
    told = "nothing stops it"
    if timeline.stops_at is not None:
        told = f"the first stop is at {moment(timeline.stops_at)}"
    out.line(f"{style.dim('TIMELINE')}  {told}")
    columns = [
        Column(f"  WHEN ({zone_name(at)})"),
        Column("WHAT"),
        Column("WHO"),
        Column("WHY", shrinks=True),
    ]
    rows = [
        [
            Cell("  " + (moment(one.at, zone=False) if one.at else "-")),
            Cell(one.source, style.bold),
            Cell("Carrel" if str(one.by) == "ours" else "Coder", style.dim),
            Cell(shown(one.why)),
        ]
        for one in applies
    ]
    if rows:
        out.table(columns, rows)
    if timeline.drift:
        paragraph(out, f"{style.yellow('!')} ", shown(timeline.drift))
