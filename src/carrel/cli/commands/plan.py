"""`carrel plan`: show, apply or undo a plan."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import PlanId, Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.table import Cell, Column
from carrel.cli.wording import moment, shown, zone_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.domain.governance.acting import PlanLine

app = group(
    "Show, apply or undo a plan: what is to be done, and why.",
    "carrel plan ls",
    "carrel plan show 3f2a",
    "carrel plan apply 3f2a",
    "carrel plan undo 3f2a --dry-run",
    "carrel plan delete --dry-run",
)


@command(app, "carrel plan ls", "carrel plan ls --last 0 --json", name="ls")
def ls(
    last: Annotated[int, typer.Option(metavar="N", help="The last N (20); 0 means all.")] = 20,
    everywhere: Annotated[bool, typer.Option("--all", help="Of other deployments, too.")] = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """List the plans that were made, newest first, and how far they are."""
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import plans
    from carrel.errors import BadInputError

    if last < 0:
        raise BadInputError("bad_number", f"{last} plans can't be shown.", cure="Say 0 for all.")
    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        found = plans.listing(ctx, everywhere=everywhere, limit=last or _ALL)
    out.document({"plans": [_shape(line) for line in found]})
    _show(out, found)


_ALL = 1_000_000


def _shape(line: "PlanLine") -> dict[str, object]:
    return {
        "plan_id": line.plan_id,
        "purpose": line.purpose,
        "fleet": line.fleet,
        "made_at": line.made_at,
        "made_by": line.made_by,
        "undoes": line.undoes,
        "over": line.over,
        "states": dict(line.states),
    }


def _show(out: Output, found: "Sequence[PlanLine]") -> None:
    if not found:
        out.line("No plan was made yet.")
        return
    style = out.style
    columns = [
        Column("PLAN"),
        Column("FOR"),
        Column(f"MADE ({zone_name(found[0].made_at)})"),
        Column("BY", shrinks=True),
        Column("ACTIONS", shrinks=True),
    ]
    rows = [
        [
            Cell(line.plan_id, style.dim if line.over else style.bold),
            Cell(f"{line.purpose}{f' of {line.undoes}' if line.undoes else ''}"),
            Cell(moment(line.made_at, zone=False)),
            Cell(shown(line.made_by)),
            Cell(", ".join(f"{number} {state}" for state, number in line.states.items() if number)),
        ]
        for line in found
    ]
    out.table(columns, rows)


@command(app, "carrel plan show 3f2a", "carrel plan show 3f2a --json", name="show")
def show(plan: PlanId, verbose: Verbose = False, as_json: Json = False) -> None:
    """Show a plan: each action with its reason, how far it is, and what was left alone."""
    from carrel.cli.fleets.documents import standing_document
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.showing import show_plan
    from carrel.control.fleet import plans

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        standing = plans.get(ctx, plan)
    out.document(standing_document(standing))
    show_plan(out, standing.plan, standing.progress)


@command(app, "carrel plan apply 3f2a", "carrel plan apply 3f2a --dry-run", name="apply")
def apply(
    plan: PlanId, dry_run: DryRun = False, verbose: Verbose = False, as_json: Json = False
) -> None:
    """Do what a plan says, or go on with it: what was done is not done again.

    Each action is looked at anew before: what is not wanted any more, or not due, is left.
    """
    from carrel.cli.fleets.carrying import go_on, show_only
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import applying, plans

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        wanted = plans.get(ctx, plan).plan
        if dry_run:
            show_only(out, wanted, "Without --dry-run it is applied.")
            return
        applying.refuse_frozen(ctx, wanted)
        go_on(out, ctx, wanted)


@command(app, "carrel plan undo 3f2a --dry-run", "carrel plan undo 3f2a", name="undo")
def undo(
    plan: PlanId, dry_run: DryRun = False, verbose: Verbose = False, as_json: Json = False
) -> None:
    """Take a plan back: start what it stopped, put times to live, deadlines, dormancy back.

    What somebody has changed since is left as it is. A deletion can't be undone.
    """
    from carrel.cli.fleets.carrying import carry_out, show_only
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import undoing

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        with out.working("Looking at the fleet"):
            made = undoing.plan(ctx, plan) if dry_run else undoing.undo(ctx, plan)
        if dry_run:
            show_only(out, made, "Without --dry-run it is applied.")
            return
        carry_out(out, ctx, made)


@command(app, "carrel plan delete --dry-run", "carrel plan delete", name="delete")
def delete(dry_run: DryRun = False, verbose: Verbose = False, as_json: Json = False) -> None:
    """Make the plan that deletes what slept for longer than [policy.dormancy] allows.

    It deletes nothing: 'carrel plan apply' does, after another look at each. A deletion can't be
    undone.
    """
    from carrel.cli.fleets.carrying import run_document
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.showing import show_plan
    from carrel.control.fleet import deciding, plans
    from carrel.domain.governance.plans import Purpose

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        with out.working("Looking at the fleet"):
            made = deciding.plan(ctx, Purpose.DELETION)
        if made.actions and not dry_run:
            plans.store(ctx, made)
    out.document(run_document(made, None, dry_run=dry_run))
    show_plan(out, made)
    if made.actions:
        out.line()
        what = "Without --dry-run this plan is kept." if dry_run else (
            f"'carrel plan apply {made.plan_id}' deletes these; that can't be undone."
        )  # fmt: skip
        out.line(f"Nothing was deleted. {what}")
