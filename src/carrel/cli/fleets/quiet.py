"""Quiet hours as a person reads them, and as documents."""

from collections import Counter
from typing import TYPE_CHECKING

from carrel.cli.fleets.documents import decision_document, verdict_of
from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column, Paint
from carrel.cli.wording import count, moment, shown, zone_name

if TYPE_CHECKING:
    from carrel.control.fleet.quieting import Enterprise, Schedule, Status
    from carrel.planning.precedence import Decision

POLICY = "quiet_hours"
CATEGORIES = {
    "stopping_now": "stopping now",
    "in_grace": "in grace",
    "running_past_end": "past the end",
    "ttl_expired": "TTL expired",
    "flapping": "flapping",
    "normal": "normal",
    "excluded": "excluded",
    "withheld": "unknown",
}
"""The policy's words, in the order of urgency, and what a person reads."""
_WRONG = ("stopping_now", "running_past_end", "ttl_expired", "withheld")


def status_document(found: "Status") -> dict[str, object]:
    """Return whose quiet hours are when."""
    return {
        "at": found.at,
        "source": found.source,
        "why": found.why,
        "hours": [record(one) for one in found.hours],
        "without": found.without,
        "running": sum(one.workspace.on for one in found.decisions),
        "categories": _counted(found),
        "gaps": found.gaps,
    }


def categories_document(found: "Status") -> dict[str, object]:
    """Return the category of each running workspace."""
    running = [one for one in found.decisions if one.workspace.on]
    return {
        "at": found.at,
        "categories": _counted(found),
        "workspaces": [decision_document(one, POLICY) for one in running],
        "gaps": found.gaps,
    }


def report_document(found: "Status") -> dict[str, object]:
    """Return the categories by organization, and what is against the rules."""
    wrong = [one for one in found.decisions if _category(one) in _WRONG and one.workspace.on]
    return {
        "at": found.at,
        "organizations": [
            {"organization": name, "running": sum(kinds.values()), "categories": dict(kinds)}
            for name, kinds in _by_organization(found).items()
        ],
        "violations": [decision_document(one, POLICY) for one in wrong],
        "gaps": found.gaps,
    }


def _counted(found: "Status") -> dict[str, int]:
    counts = found.categories()
    return {name: counts.get(name, 0) for name in CATEGORIES}


def _category(decision: "Decision") -> str:
    verdict = verdict_of(decision, POLICY)
    return verdict.category if verdict else ""


def _by_organization(found: "Status") -> dict[str, Counter[str]]:
    kinds: dict[str, Counter[str]] = {}
    for one in found.decisions:
        if one.workspace.on:
            counter = kinds.setdefault(one.workspace.organization, Counter())
            counter[_category(one)] += 1
    return dict(sorted(kinds.items()))


def paint_of(style: Style, category: str) -> Paint | None:
    """Return the colour of a category."""
    return {
        "stopping_now": style.red,
        "in_grace": style.yellow,
        "running_past_end": style.yellow,
        "ttl_expired": style.yellow,
        "flapping": style.yellow,
        "withheld": style.yellow,
        "excluded": style.dim,
        "normal": style.green,
    }.get(category)


def show_status(out: Output, found: "Status") -> None:
    """Print whose quiet hours are when."""
    style = out.style
    native = {
        "native": "The deployment keeps quiet hours of its own; users' own ones count.",
        "ours": f"Windows come from carrel.toml alone. {found.why}",
    }.get(str(found.source), f"Unknown whether the deployment keeps quiet hours. {found.why}")
    paragraph(out, "", native)
    if found.hours:
        zone = zone_name(found.at)
        columns = [
            Column("QUIET HOURS", shrinks=True),
            Column("ZONE", shrinks=True),
            Column("RUNNING", right=True),
            Column("NOW"),
            Column(f"CHANGES ({zone})"),
        ]
        out.line()
        out.table(columns, [
            [
                Cell(shown(one.label), style.bold),
                Cell(one.zone),
                Cell(f"{one.running:,}"),
                Cell("unknown", style.yellow) if one.unknown
                else Cell("quiet", style.blue) if one.began else Cell("open", style.green),
                Cell(moment(one.change, zone=False) if one.change else "never"),
            ]
            for one in found.hours
        ])  # fmt: skip
    if found.without:
        out.line()
        verb = "has" if found.without == 1 else "have"
        out.line(f"{count(found.without, 'running workspace')} {verb} no quiet hours.")
        if not found.hours:
            cure = "Set 'start' and 'end' in [policy.quiet_hours] of carrel.toml."
            out.line(f"  {style.green('→')} {cure}")
    out.line()
    _show_counts(out, found)
    _show_gaps(out, found)


def _show_counts(out: Output, found: "Status") -> None:
    counts = found.categories()
    parts = [
        (paint_of(out.style, name) or out.style.bold)(f"{counts[name]:,} {word}")
        for name, word in CATEGORIES.items()
        if counts[name]
    ]
    out.line(f"Running: {', '.join(parts) or 'nothing'}.")


def _show_gaps(out: Output, found: "Status") -> None:
    for gap in found.gaps:
        paragraph(out, f"{out.style.yellow('!')} ", f"Not seen: {shown(gap)}")


def show_categories(out: Output, found: "Status") -> None:
    """Print each running workspace under its category."""
    by: dict[str, list[Decision]] = {name: [] for name in CATEGORIES}
    for one in found.decisions:
        if one.workspace.on:
            by.setdefault(_category(one), []).append(one)
    for name, decisions in by.items():
        if decisions:
            _show_category(out, name, decisions)
    _show_counts(out, found)
    _show_gaps(out, found)


def _show_category(out: Output, name: str, decisions: "list[Decision]") -> None:
    style = out.style
    word = CATEGORIES.get(name, name or "no answer").capitalize()
    paint = paint_of(style, name) or style.bold
    out.line(paint(f"{word} ({len(decisions):,})"))
    columns = [
        Column("  WORKSPACE", shrinks=True),
        Column("TEMPLATE", shrinks=True),
        Column("DECIDED"),
        Column("BECAUSE", shrinks=True),
    ]
    rows: list[list[Cell]] = []
    for one in decisions:
        winner = one.winner
        verdict = verdict_of(one, POLICY)
        because = winner.reason if winner else verdict.reason if verdict else ""
        rows.append([
            Cell(f"  {shown(one.workspace.full_name)}", style.bold),
            Cell(shown(one.workspace.template)),
            Cell(str(one.wish), style.red if one.wish in {"stop", "sleep"} else None),
            Cell(shown(because)),
        ])  # fmt: skip
    out.table(columns, rows)
    out.line()


def show_report(out: Output, found: "Status") -> None:
    """Print the categories by organization, then what is against the rules."""
    style = out.style
    kinds = _by_organization(found)
    known = [name for name in CATEGORIES if any(one[name] for one in kinds.values())]
    columns = [Column("ORGANIZATION", shrinks=True), Column("RUNNING", right=True)]
    columns += [Column(CATEGORIES[name].upper(), right=True) for name in known]
    rows = [
        [
            Cell(shown(name), style.bold),
            Cell(f"{sum(counts.values()):,}"),
            *(Cell(f"{counts[kind]:,}", paint_of(style, kind) if counts[kind] else style.dim)
              for kind in known),
        ]
        for name, counts in kinds.items()
    ]  # fmt: skip
    if rows:
        out.table(columns, rows)
    else:
        out.line("Nothing runs.")
    wrong: dict[str, list[Decision]] = {}
    for one in found.decisions:
        if one.workspace.on and _category(one) in _WRONG:
            wrong.setdefault(_category(one), []).append(one)
    for name in _WRONG:
        if name in wrong:
            out.line()
            _show_category(out, name, wrong[name])
    _show_gaps(out, found)


def show_enterprise(out: Output, found: "Enterprise", user: str | None) -> None:
    """Print what the deployment keeps of quiet hours."""
    style = out.style
    paints = {"native": style.green, "ours": style.cyan}
    paint = paints.get(str(found.source), style.yellow)
    paragraph(out, f"Quiet hours of the deployment: {paint(str(found.source))}. ", shown(found.why))
    if found.default is not None:
        out.line(f"Default: {style.bold(shown(found.default.schedule))}{_begins(found.default)}")
    if not found.users:
        if user is not None:
            out.line(f"Nothing is known of the quiet hours of {shown(user)}.")
        elif found.default is not None:
            out.line("No owner of a running workspace has other ones.")
        return
    columns = [
        Column("USER", shrinks=True),
        Column("SCHEDULE", shrinks=True),
        Column("WHOSE"),
        Column("BEGINS NEXT"),
    ]
    rows = [
        [
            Cell(shown(one.username), style.bold),
            Cell(shown(one.schedule)),
            Cell("their own" if one.user_set else "the default"),
            Cell(moment(one.begins) if one.begins else "unreadable"),
        ]
        for one in found.users
    ]
    out.table(columns, rows)


def _begins(schedule: "Schedule") -> str:
    return f", next at {moment(schedule.begins)}" if schedule.begins else ""
