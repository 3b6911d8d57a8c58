"""Plans that a command makes from some policies: shown, or carried out."""

from typing import TYPE_CHECKING

from carrel.cli.fleets.carrying import carry_out, show_only
from carrel.cli.output import Output
from carrel.domain.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from carrel.control.fleet.context import FleetContext
    from carrel.domain.governance.plans import Purpose
    from carrel.planning.precedence import Decision


@dataclass(frozen=True, slots=True)
class Run:
    """What a command asks for.

    Attributes:
        purpose: Why a plan is made.
        policies: Only wishes of these; empty: of all. Keeping always counts.
        execute: It is carried out.
        cure: How it is, where it isn't.
        force: Violations of a time to live are added.
        night: It is a run of quiet hours: where these come from is said, and who is in grace.
    """

    purpose: "Purpose"
    policies: frozenset[str]
    execute: bool
    cure: str
    force: bool = False
    night: bool = False


def run(out: Output, ctx: "FleetContext", wanted: Run) -> None:
    """Make a plan, and show it or carry it out.

    Raises:
        typer.Exit: Something failed or is held back.
    """
    from carrel.control.fleet import deciding, governing

    if wanted.execute:
        ctx.thaw()
    with out.working("Looking at the fleet"):
        made = deciding.planned(
            ctx,
            wanted.purpose,
            policies=wanted.policies,
            force=wanted.force,
            horizon=governing.horizon(ctx),
        )
    plan = made.plan
    more = _night(out, ctx, made.decisions) if wanted.night else {}
    if not wanted.execute:
        show_only(out, governing.keep(ctx, plan), wanted.cure, kept=True, more=more)
        return
    carry_out(out, ctx, governing.standing(ctx, plan) or plan, more=more)


def _night(out: Output, ctx: "FleetContext", decisions: "Iterable[Decision]") -> dict[str, object]:
    """Say where quiet hours come from, and who is in grace; return it for the document."""
    from carrel.cli.fleets.windows import show_windows, windows_document
    from carrel.cli.wording import count, moment
    from carrel.control.fleet import observing, quieting

    found = quieting.windows(ctx, observing.recent(ctx))
    show_windows(out, found, quieting.POLICY)
    number, first = quieting.in_grace(decisions)
    if first is not None:
        what = count(number, "workspace is", "workspaces are")
        out.line(f"{what} in grace, which ends at {moment(first)} for the first.")
    out.line()
    return {"windows": windows_document(found), "in_grace": number, "next_due": first}
