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
        execute: It is carried out.
        cure: How it is, where it isn't.
        force: Violations of a time to live are added.
        windows: Of this policy it is said where its quiet hours come from; empty: it has none.
    """

    purpose: "Purpose"
    policies: frozenset[str]
    execute: bool
    cure: str
    force: bool = False
    windows: str = ""


def run(out: Output, ctx: "FleetContext", wanted: Run) -> None:
    """Make a plan, and show it or carry it out.

    Raises:
        typer.Exit: Something failed or is held back.
    """
    from carrel.control.fleet import deciding, governing

    if wanted.execute:
        ctx.thaw()
    with out.working("Looking at the fleet"):
        made = deciding.plan(
            ctx,
            wanted.purpose,
            policies=wanted.policies,
            force=wanted.force,
            horizon=governing.horizon(ctx),
        )
    more = _windows(out, ctx, wanted.windows) if wanted.windows else {}
    if not wanted.execute:
        show_only(out, made, wanted.cure, more=more)
        return
    carry_out(out, ctx, governing.standing(ctx, made) or made, more=more)


def _windows(out: Output, ctx: "FleetContext", policy: str) -> dict[str, object]:
    """Say where a policy's quiet hours come from; return it for the document."""
    from carrel.cli.fleets.windows import show_windows, windows_document
    from carrel.control.fleet import observing, quieting

    found = quieting.windows(ctx, observing.recent(ctx), policy)
    show_windows(out, found, policy)
    out.line()
    return {"windows": windows_document(found)}
