"""Plans and runs over them, as a person reads them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.output import Output
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, moment, shown, zone_name

if TYPE_CHECKING:
    from carrel.cli.table import Paint
    from carrel.control.fleet.applying import Report
    from carrel.domain.governance.plans import Action, Plan, Progress

_STOPPING = ("stop", "pause", "delete")
_FEW = 4
_PAINTS = {
    "waiting": "dim",
    "sent": "yellow",
    "following": "yellow",
    "done": "green",
    "skipped": "dim",
    "failed": "red",
    "uncertain": "red",
}


def show_plan(
    out: Output, plan: "Plan", progress: Sequence["Progress"] = (), *, most: int | None = None
) -> None:
    """Print a plan: a line an action, each reason once, and what is left alone.

    Args:
        out: Where to.
        plan: The plan.
        progress: How far each action is; nothing: the plan was not begun.
        most: So many actions at most; None: all.
    """
    style = out.style
    out.line(
        f"{style.bold(f'Plan {plan.plan_id}')}  {plan.purpose}, made {moment(plan.made_at)}"
        f" by {shown(plan.made_by)}"
    )
    out.line(style.dim(f"  for {plan.fleet}, as seen {moment(plan.observed_at)}"))
    if plan.undoes:
        out.line(style.dim(f"  takes back plan {plan.undoes}"))
    if not plan.actions:
        out.line(f"{style.green('✓')} There is nothing to do.")
    else:
        _show_actions(out, plan, progress, most)
    for note in plan.notes:
        paragraph(out, f"{style.yellow('!')} ", shown(note))
    _show_held(out, plan)


def _show_actions(
    out: Output, plan: "Plan", progress: Sequence["Progress"], most: int | None
) -> None:
    actions = plan.actions[:most]
    out.line()
    out.table(*_actions_table(out, plan, actions, {one.number: one for one in progress}))
    left = len(plan.actions) - len(actions)
    if left:
        out.line(out.style.dim(f"… and {left:,} more: carrel plan show {plan.plan_id}"))
    out.line()
    reasons: dict[tuple[str, str], list[int]] = {}
    for action in plan.actions:
        reasons.setdefault((action.policy, action.reason), []).append(action.number)
    for (policy, reason), numbers in list(reasons.items())[:most]:
        head = f"{out.style.dim(_ranges(numbers))} {out.style.cyan(policy)}: "
        paragraph(out, head, shown(reason))
    _show_notes(out, progress)


def _show_notes(out: Output, progress: Sequence["Progress"]) -> None:
    """Print why actions ended otherwise than well, each sentence once."""
    notes: dict[tuple[str, str], list[int]] = {}
    for one in progress:
        if one.note and one.state not in {"done", "following"}:
            notes.setdefault((str(one.state), one.note), []).append(one.number)
    for (state, note), numbers in notes.items():
        head = f"{out.style.dim(_ranges(numbers))} {_painted(out, state)}: "
        paragraph(out, head, shown(note))


def _actions_table(
    out: Output, plan: "Plan", actions: Iterable["Action"], progress: dict[int, "Progress"]
) -> tuple[list[Column], list[list[Cell]]]:
    style = out.style
    columns = [
        Column("N", right=True),
        Column("DO"),
        Column("WORKSPACE", shrinks=True),
        Column(f"WHEN ({zone_name(plan.made_at)})"),
        Column("BY", shrinks=True),
    ]
    if progress:
        columns.append(Column("STATE"))
    rows: list[list[Cell]] = []
    for action in actions:
        when = "now" if action.due is None or action.due <= plan.made_at else ""
        row = [
            Cell(str(action.number), style.dim),
            Cell(_deed(action), style.yellow if action.deed in _STOPPING else None),
            Cell(shown(action.workspace or "the deployment"), style.bold),
            Cell(when or moment(action.due or plan.made_at, zone=False)),
            Cell(shown(action.policy)),
        ]
        far = progress.get(action.number)
        if progress:
            state = str(far.state) if far else "waiting"
            row.append(Cell(state, _paint(out, state)))
        rows.append(row)
    return columns, rows


def _paint(out: Output, state: str) -> "Paint":
    return getattr(out.style, _PAINTS[state])  # type: ignore[no-any-return]


def _deed(action: "Action") -> str:
    words = str(action.deed).replace("_", " ")
    if not action.argument:
        return f"{words} none" if action.deed in {"set_ttl", "set_autostart"} else words
    if isinstance(action.argument, int):
        from datetime import timedelta

        from carrel.domain.governance.saying import span

        return f"{words} {span(timedelta(milliseconds=action.argument))}"
    if action.deed == "set_deadline":
        return f"{words} {moment(action.argument, zone=False)}"
    return f"{words} {shown(action.argument)}"


def _ranges(numbers: list[int]) -> str:
    """Return numbers as people write them: 1-3,7."""
    parts: list[str] = []
    start = last = numbers[0]
    for number in [*numbers[1:], 0]:
        if number == last + 1:
            last = number
            continue
        parts.append(str(start) if start == last else f"{start}-{last}")
        start = last = number
    return ",".join(parts)


def _show_held(out: Output, plan: "Plan") -> None:
    if not plan.held_back:
        return
    from carrel.domain.governance.plans import ASKED

    out.line()
    what = "Left as it is" if plan.purpose in ASKED else "Left alone although a policy would act"
    out.line(f"{what}: {count(len(plan.held_back), 'workspace')}.")
    why: dict[str, list[str]] = {}
    for name, reason in plan.held_back:
        why.setdefault(reason, []).append(name)
    for reason, names in why.items():
        more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
        text = f"{', '.join(names[:_FEW])}{more}: {reason}"
        paragraph(out, "  ", shown(text), indent=4)


def show_report(out: Output, report: "Report", *, watching: bool = False) -> None:
    """Print how a run over a plan ended.

    Args:
        out: Where to.
        report: The run.
        watching: It goes on by itself, so nobody is told how.
    """
    style = out.style
    counts: dict[str, int] = {}
    for one in report.progress:
        counts[str(one.state)] = counts.get(str(one.state), 0) + 1
    told = ", ".join(f"{number} {_painted(out, state)}" for state, number in counts.items())
    bad = counts.get("failed", 0) + counts.get("uncertain", 0)
    well = style.green("✓") if report.end == "over" else style.yellow("…")
    mark = style.red("✗") if bad else well
    out.line(f"{mark} Plan {style.bold(report.plan.plan_id)}: {told or 'nothing to do'}.")
    if report.why:
        paragraph(out, "  ", shown(report.why))
    for reason in dict.fromkeys(report.waits.values()):
        paragraph(out, "  ", shown(reason))
    if report.end in {"broken", "capped"}:
        out.line("  It goes no further: what is left is for a new plan, once the cause is gone.")
    elif report.end != "over" and not watching:
        when = f" after {moment(report.again_at)}" if report.again_at else ""
        go_on = style.cyan(f"carrel plan apply {report.plan.plan_id}")
        out.line(f"  To go on{when}: {go_on}")
    if counts.get("done") and report.plan.purpose != "deletion":
        out.line(f"  To take it back: {style.cyan(f'carrel plan undo {report.plan.plan_id}')}")


def _painted(out: Output, state: str) -> str:
    return str(_paint(out, state)(state))
