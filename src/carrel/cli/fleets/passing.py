"""Passes over a fleet: the plan when it is made, each action as it ends, how the pass ended."""

from typing import TYPE_CHECKING

import typer

from carrel.cli import failing
from carrel.cli.fleets.carrying import SOME, Ticker, exit_code, run_document
from carrel.cli.fleets.paragraphs import paragraph
from carrel.cli.fleets.showing import show_plan, show_report
from carrel.cli.fleets.telling import show_warned
from carrel.cli.output import Output
from carrel.cli.wording import count, moment, shown

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext
    from carrel.control.fleet.governing import Missed, Pass
    from carrel.domain.governance.plans import Action, Plan, Progress


class Watcher:
    """Tells of passes as they go.

    Args:
        out: Where to.
        ctx: The fleet.
        watching: One pass follows the other, so each is told in few lines.
    """

    def __init__(self, out: Output, ctx: "FleetContext", *, watching: bool = False) -> None:
        self._out = out
        self._ctx = ctx
        self._watching = watching
        self._ticker: Ticker | None = None
        self._shown = ""

    def once(self) -> None:
        """Make one pass and tell of it.

        Raises:
            typer.Exit: Something failed or is held back.
        """
        from carrel.control.fleet import governing

        made = governing.once(self._ctx, self.told, planned=self.planned)
        self.passed(made)
        code = exit_code(made.report) if made.report else 0
        if code:
            raise typer.Exit(code)

    def planned(self, plan: "Plan") -> None:
        """Show the plan of a pass, unless the last one worked on it, too."""
        self._ticker = Ticker(self._out, plan)
        if plan.plan_id != self._shown:
            show_plan(self._out, plan, most=SOME)
            self._out.line()
            self._shown = plan.plan_id

    def told(self, action: "Action", progress: "Progress") -> None:
        """Tell of an action that moved on."""
        if self._ticker is not None:
            self._ticker(action, progress)

    def passed(self, made: "Pass | Missed") -> None:
        """Tell how a pass ended."""
        from carrel.control.fleet.governing import Missed

        if self._ticker is not None:
            self._ticker.end()
            self._ticker = None
        if isinstance(made, Missed):
            failing.show(made.error, as_json=self._out.as_json)
            return
        self._out.document(run_document(made.plan, made.report, made.warned))
        if made.report is None:
            self._well(made.plan)
            return
        show_warned(self._out, made.plan, made.warned)
        if self._watching:
            self._out.line(self._out.style.dim(moment(self._ctx.now())))
        show_report(self._out, made.report, watching=self._watching)

    def _well(self, plan: "Plan") -> None:
        """Tell of a pass that found nothing to do."""
        out, seen = self._out, self._ctx.seen
        if not self._watching and (plan.held_back or plan.notes):
            show_plan(out, plan)
            return
        told = [f"{out.style.green('✓')} There is nothing to do."]
        if seen is not None:
            running = sum(one.on for one in seen.workspaces)
            told.append(f"{running:,} of {count(len(seen.workspaces), 'workspace')} run.")
        if plan.held_back:
            told.append(f"{count(len(plan.held_back), 'workspace')} left alone.")
        out.line(f"{out.style.dim(moment(plan.made_at))}  {' '.join(told)}")
        for note in plan.notes:
            paragraph(out, f"{out.style.yellow('!')} ", shown(note))
