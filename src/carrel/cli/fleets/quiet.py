"""Quiet hours as a person reads them, and as documents."""

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from carrel.cli.fleets.documents import decision_document
from carrel.cli.fleets.paragraphs import paragraph, show_gaps
from carrel.cli.fleets.windows import show_windows, windows_document
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.style import Style
from carrel.cli.table import Cell, Column, Paint
from carrel.cli.wording import count, moment, shown, zone_name
from carrel.control.fleet.quieting import POLICY, standing

if TYPE_CHECKING:
    from carrel.control.fleet.quieting import Enterprise, Hours, Schedule, Status
    from carrel.planning.precedence import Decision

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
_HEADINGS = {
    "stopping_now": "STOP NOW",
    "in_grace": "GRACE",
    "running_past_end": "PAST END",
    "ttl_expired": "TTL OVER",
    "withheld": "UNKNOWN",
}
"""Where columns are many, shorter ones."""
_SOME = 15
"""So many kinds of quiet hours are listed; in a large fleet, users' own ones are many."""
_WRONG = ("stopping_now", "running_past_end", "ttl_expired", "withheld")


def status_document(found: "Status") -> dict[str, object]:
    """Return whose quiet hours are when."""
    return {
        "at": found.at,
        "windows": windows_document(found.windows),
        "hours": [record(one) for one in found.hours],
        "without": found.without,
        "running": len(found.running),
        "categories": _counted(found),
        "gaps": found.gaps,
    }


def categories_document(found: "Status") -> dict[str, object]:
    """Return how each running workspace stands."""
    return {
        "at": found.at,
        "windows": windows_document(found.windows),
        "categories": _counted(found),
        "workspaces": [_document(one) for one in found.running],
        "gaps": found.gaps,
    }


def report_document(found: "Status") -> dict[str, object]:
    """Return the categories by organization, and what is against the rules."""
    return {
        "at": found.at,
        "windows": windows_document(found.windows),
        "running": len(found.running),
        "categories": _counted(found),
        "organizations": [
            {"organization": name, "running": sum(kinds.values()), "categories": dict(kinds)}
            for name, kinds in _by_organization(found).items()
        ],
        "violations": [_document(one) for one in found.running if _category(one) in _WRONG],
        "gaps": found.gaps,
    }


def _document(decision: "Decision") -> dict[str, object]:
    return {**decision_document(decision, POLICY), **record(standing(decision))}


def _counted(found: "Status") -> dict[str, int]:
    counts = found.categories()
    return {name: counts.get(name, 0) for name in CATEGORIES}


def _category(decision: "Decision") -> str:
    return standing(decision).category


def _by_organization(found: "Status") -> dict[str, Counter[str]]:
    kinds: dict[str, Counter[str]] = {}
    for one in found.running:
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
    show_windows(out, found.windows, POLICY)
    if found.hours:
        columns = [
            Column("QUIET HOURS", shrinks=True),
            Column("ZONE", shrinks=True),
            Column("RUNNING", right=True),
            Column("NOW"),
            Column(f"CHANGES ({zone_name(found.at)})"),
        ]
        out.line()
        out.table(columns, [
            [
                Cell(shown(one.label), style.bold),
                Cell(one.zone),
                Cell(f"{one.running:,}"),
                _now(style, one),
                Cell(moment(one.change, zone=False) if one.change else "never"),
            ]
            for one in found.hours[:_SOME]
        ])  # fmt: skip
        if len(found.hours) > _SOME:
            left = found.hours[_SOME:]
            what = count(len(left), "other kind", "other kinds")
            runs = count(sum(one.running for one in left), "workspace")
            out.line(style.dim(f"… and {what} of quiet hours, of {runs}: --json lists them"))
    if found.without:
        out.line()
        verb = "has" if found.without == 1 else "have"
        out.line(f"{count(found.without, 'running workspace')} {verb} no quiet hours.")
    out.line()
    _show_counts(out, found)
    show_gaps(out, found.gaps)


def _now(style: Style, hours: "Hours") -> Cell:
    if hours.unknown:
        return Cell("unknown", style.yellow)
    return Cell("quiet", style.blue) if hours.began else Cell("open", style.green)


def _show_counts(out: Output, found: "Status") -> None:
    counts = found.categories()
    parts = [
        (paint_of(out.style, name) or out.style.bold)(f"{counts[name]:,} {word}")
        for name, word in CATEGORIES.items()
        if counts[name]
    ]
    out.line(f"Running: {', '.join(parts) or 'nothing'}.")


def show_categories(out: Output, found: "Status") -> None:
    """Print each running workspace under its category, and why."""
    show_windows(out, found.windows, POLICY)
    out.line()
    for name, decisions in _by_category(found).items():
        _show_category(out, name, decisions)
        out.line()
    _show_counts(out, found)
    show_gaps(out, found.gaps)


def _by_category(found: "Status") -> "dict[str, list[Decision]]":
    by: dict[str, list[Decision]] = {name: [] for name in CATEGORIES}
    for one in found.running:
        by.setdefault(_category(one), []).append(one)
    return {name: decisions for name, decisions in by.items() if decisions}


def _show_category(out: Output, name: str, decisions: "list[Decision]") -> None:
    style = out.style
    paint = paint_of(style, name) or style.bold
    title = CATEGORIES.get(name, name or "no answer")
    out.line(paint(f"{title[:1].upper()}{title[1:]} ({len(decisions):,})"))
    reasons: dict[str, int] = {}
    numbered = [
        (reasons.setdefault(standing(one).reason, len(reasons) + 1), one.workspace)
        for one in decisions
    ]
    columns = [
        Column("WHY", right=True),
        Column("WORKSPACE", shrinks=True),
        Column("TEMPLATE", shrinks=True),
        Column("ORGANIZATION", shrinks=True),
    ]
    out.table(columns, [
        [Cell(str(number), style.dim), Cell(shown(one.full_name), style.bold),
         Cell(shown(one.template)), Cell(shown(one.organization))]
        for number, one in sorted(numbered, key=lambda each: each[0])
    ])  # fmt: skip
    for reason, number in reasons.items():
        paragraph(out, f"{style.dim(f'{number:>3}')}  ", shown(reason))


def show_report(out: Output, found: "Status") -> None:
    """Print the categories by organization, then what is against the rules."""
    style = out.style
    show_windows(out, found.windows, POLICY)
    out.line()
    kinds = _by_organization(found)
    known = [name for name in CATEGORIES if any(one[name] for one in kinds.values())]
    columns = [Column("ORGANIZATION", shrinks=True), Column("RUNNING", right=True)]
    columns += [Column(_HEADINGS.get(name, name.upper()), right=True) for name in known]
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
    for name, decisions in _by_category(found).items():
        if name in _WRONG:
            out.line()
            _show_category(out, name, decisions)
    show_gaps(out, found.gaps)


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
        Column("DAILY AT", shrinks=True),
        Column("ZONE", shrinks=True),
        Column("WHOSE"),
        Column("BEGINS NEXT"),
    ]
    rows = [
        [
            Cell(shown(one.username), style.bold),
            Cell(_daily(one)),
            Cell(shown(one.zone)),
            Cell("their own" if one.user_set else "the default"),
            Cell(moment(one.begins) if one.begins else "unreadable"),
        ]
        for one in found.users
    ]
    out.table(columns, rows)


def _daily(schedule: "Schedule") -> str:
    """Return the time of day on the wall clock of the schedule, or the schedule as it is."""
    if schedule.begins is None:
        return shown(schedule.schedule)
    return f"{schedule.begins.astimezone(ZoneInfo(schedule.zone)):%H:%M}"


def _begins(schedule: "Schedule") -> str:
    return f", next at {moment(schedule.begins)}" if schedule.begins else ""
