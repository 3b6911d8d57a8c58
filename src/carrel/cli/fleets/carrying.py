"""From a plan to what was done: shown, or stored, applied, followed and told."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from carrel.cli.fleets.documents import plan_document, report_document, warned_documents
from carrel.cli.fleets.showing import show_plan, show_report
from carrel.cli.fleets.telling import show_warned
from carrel.cli.output import Output
from carrel.cli.wording import shown

if TYPE_CHECKING:
    from carrel.control.fleet.applying import Report
    from carrel.control.fleet.context import FleetContext
    from carrel.domain.governance.plans import Action, Plan, Progress
    from carrel.domain.governance.warnings import Warned

SOME = 20
"""So many actions are listed of a plan that is applied at once; `plan show` lists them all."""
_EXITS = {"frozen": 6, "capped": 4, "broken": 1}
_NOTHING: Mapping[str, object] = {}


class Ticker:
    """Tells of each action that came to its end, and on a terminal how many are under way."""

    def __init__(self, out: Output, plan: "Plan") -> None:
        self._out = out
        self._total = len(plan.actions)
        self._over: set[int] = set()
        self._open: set[int] = set()
        self._live = sys.stderr.isatty() and not out.as_json

    def __call__(self, action: "Action", progress: "Progress") -> None:
        """Tell of an action that moved on."""
        self._open.add(action.number)
        if progress.state.over:
            self._open.discard(action.number)
            if action.number not in self._over:
                self._over.add(action.number)
                self._clear()
                self._out.line(self._line(action, progress))
        if self._live:
            told = f"{len(self._over)} of {self._total} done, {len(self._open)} under way"
            sys.stderr.write(f"\r\033[K{told}")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away that counts."""
        self._clear()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _line(self, action: "Action", progress: "Progress") -> str:
        style = self._out.style
        marks = {"done": style.green("✓"), "skipped": style.dim("-")}
        mark = marks.get(str(progress.state), style.red("✗"))
        name = shown(action.workspace or "the deployment")
        deed = str(action.deed).replace("_", " ")
        note = f"  {style.dim(shown(progress.note))}" if progress.state != "done" else ""
        return f"{mark} {deed} {style.bold(name)}: {progress.state}{note}"


def show_only(
    out: Output,
    plan: "Plan",
    cure: str,
    *,
    kept: bool = False,
    more: Mapping[str, object] = _NOTHING,
) -> None:
    """Show a plan that is not carried out.

    Args:
        out: Where to.
        plan: The plan.
        cure: How to carry it out, after another look at the fleet.
        kept: It is stored, so that just it can be applied.
        more: Fields of the document besides.
    """
    out.document({**run_document(plan, None, dry_run=True), **more})
    show_plan(out, plan)
    if plan.actions:
        out.line()
        out.line(f"Nothing was done. {cure}")
    if plan.actions and kept:
        out.line(f"  To do just this: carrel plan apply {plan.plan_id}")


def carry_out(
    out: Output, ctx: "FleetContext", plan: "Plan", *, more: Mapping[str, object] = _NOTHING
) -> None:
    """Store a plan, warn those that it concerns, apply it, and tell how that went.

    Raises:
        typer.Exit: Something failed or is held back.
    """
    from carrel.control.fleet import applying, plans

    if not plan.actions:
        out.document({**run_document(plan, None), **more})
        show_plan(out, plan)
        return
    applying.refuse_frozen(ctx, plan)
    plans.store(ctx, plan)
    show_plan(out, plan, most=SOME)
    out.line()
    go_on(out, ctx, plan, more=more)


def go_on(
    out: Output, ctx: "FleetContext", plan: "Plan", *, more: Mapping[str, object] = _NOTHING
) -> None:
    """Warn those that a stored plan concerns, apply it, and tell how that went.

    Raises:
        typer.Exit: Something failed or is held back.
    """
    from carrel.control.fleet import warning

    warned = warning.warn(ctx, plan)
    show_warned(out, plan, warned)
    report = _applied(out, ctx, plan)
    out.document({**run_document(plan, report, warned), **more})
    show_report(out, report)
    code = exit_code(report)
    if code:
        raise typer.Exit(code)


def run_document(
    plan: "Plan", report: "Report | None", warned: "Sequence[Warned]" = (), *, dry_run: bool = False
) -> dict[str, object]:
    """Return a plan, who was told of it, and what a run over it did."""
    return {
        "dry_run": dry_run,
        "plan": plan_document(plan),
        "warned": warned_documents(plan, warned),
        "report": report_document(report) if report else None,
    }


def _applied(out: Output, ctx: "FleetContext", plan: "Plan") -> "Report":
    """Apply a stored plan, telling of each action."""
    from carrel.control.fleet import applying

    ticker = Ticker(out, plan)
    try:
        return applying.apply(ctx, plan.plan_id, ticker)
    finally:
        ticker.end()


def exit_code(report: "Report") -> int:
    """Return the exit code that a run ends with."""
    wrong = any(one.state in {"failed", "uncertain"} for one in report.progress)
    return _EXITS.get(str(report.end), 1 if wrong else 0)
