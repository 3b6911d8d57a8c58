"""Plans that a command makes from some policies: shown, or carried out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrel.cli.fleets.carrying import carry_out, show_only
from carrel.cli.output import Output

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext
    from carrel.domain.governance.plans import Purpose


@dataclass(frozen=True, slots=True)
class Run:
    """What a command asks for.

    Attributes:
        purpose: Why a plan is made.
        policies: Only wishes of these; empty: of all. Keeping always counts.
        force: Violations of a time to live are added.
        execute: It is carried out.
        cure: How it is, where it isn't.
    """

    purpose: "Purpose"
    policies: frozenset[str]
    execute: bool
    cure: str
    force: bool = False


def run(out: Output, ctx: "FleetContext", wanted: Run) -> None:
    """Make a plan, and show it or carry it out.

    Raises:
        typer.Exit: Something failed or is held back.
    """
    from datetime import timedelta

    from carrel.control.fleet import deciding, governing

    if wanted.execute:
        ctx.thaw()
    horizon = governing.horizon(ctx) if wanted.execute else timedelta(0)
    with out.working("Looking at the fleet"):
        made = deciding.plan(
            ctx,
            wanted.purpose,
            policies=wanted.policies,
            force=wanted.force,
            horizon=horizon,
        )
    if not wanted.execute:
        show_only(out, made, wanted.cure)
        return
    carry_out(out, ctx, governing.standing(ctx, made) or made)
