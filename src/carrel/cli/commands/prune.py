"""`carrel prune`: put to sleep what runs in its owner's quiet hours."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext
    from carrel.control.fleet.pruning import PruneFilters

app = group()


@command(
    app,
    "carrel prune                                            my workspaces",
    "carrel prune --all --json",
    "carrel prune --include-org engineering --exclude-group on-call",
    "carrel prune --all --exclude-template 'production-*' --cleanup --dry-run",
    "carrel prune --all --duration 12 --cleanup",
)
def prune(
    *,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's workspaces.")] = False,
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="This user's workspaces.", show_default=False),
    ] = None,
    include_org: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only in this organization; may be repeated.", show_default=False
        ),
    ] = None,
    exclude_org: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Never in this organization; may be repeated.", show_default=False
        ),
    ] = None,
    include_group: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only of members of this group; may be repeated.",
            show_default=False,
        ),
    ] = None,
    exclude_group: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Never of members of this group; may be repeated.",
            show_default=False,
        ),
    ] = None,
    include_user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only of this user; may be repeated.", show_default=False
        ),
    ] = None,
    exclude_user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Never of this user; may be repeated.", show_default=False
        ),
    ] = None,
    include_template: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only made from this template; may be repeated.",
            show_default=False,
        ),
    ] = None,
    exclude_template: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Never made from this template; may be repeated.",
            show_default=False,
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="HOURS",
            help="How long the deployment's own quiet hours last (4h).",
            show_default=False,
        ),
    ] = None,
    cleanup: Annotated[
        bool, typer.Option("--cleanup", help="Stop them and make them dormant; nothing is deleted.")
    ] = False,
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """List what runs in its owner's quiet hours; with --cleanup, put it to sleep.

    Without a filter that includes, only your own workspaces. Kinds that are included must all
    fit; whatever is excluded, here or in [policy.prune], stays out. '*' and '?' are wild.
    Who is at work is spared. 'carrel plan undo' wakes and starts again what was pruned.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.spans import span_of
    from carrel.control.fleet.pruning import PruneFilters

    filters = PruneFilters(
        all_users=everybody,
        user=user,
        include_organizations=tuple(include_org or ()),
        include_groups=tuple(include_group or ()),
        include_users=tuple(include_user or ()),
        include_templates=tuple(include_template or ()),
        exclude_organizations=tuple(exclude_org or ()),
        exclude_groups=tuple(exclude_group or ()),
        exclude_users=tuple(exclude_user or ()),
        exclude_templates=tuple(exclude_template or ()),
        duration=None if duration is None else span_of(duration, unit="h"),
    )
    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        _prune(out, ctx, filters, cleanup=cleanup, execute=cleanup and not dry_run)


def _prune(
    out: Output, ctx: "FleetContext", filters: "PruneFilters", *, cleanup: bool, execute: bool
) -> None:
    from carrel.cli.fleets.carrying import carry_out, run_document, show_only
    from carrel.cli.fleets.paragraphs import paragraph, show_gaps
    from carrel.cli.fleets.pruned import prunable_documents, show_prunable
    from carrel.cli.fleets.windows import show_windows, windows_document
    from carrel.control.fleet import deciding, governing, observing, pruning, quieting
    from carrel.domain.governance.plans import Purpose

    if execute:
        ctx.thaw()
    with out.working("Looking at the fleet"):
        seen = observing.observe(ctx)
        ctx.lay_over({pruning.POLICY: pruning.table(ctx, filters)})
        unfit, names = pruning.unfit(ctx), frozenset({pruning.POLICY})
        made = deciding.planned(ctx, Purpose.PRUNE, policies=names, horizon=governing.horizon(ctx))
        plan, found = made.plan, pruning.prunable(made.decisions)
    windows = quieting.windows(ctx, seen, pruning.POLICY)
    more = {
        "windows": windows_document(windows),
        "workspaces": prunable_documents(found),
        "unfit": [one.message for one in unfit],
    }
    show_windows(out, windows, pruning.POLICY)
    for one in unfit:
        paragraph(out, f"{out.style.yellow('!')} ", f"{one.message} {one.cure}")
    show_gaps(out, (gap.told for gap in seen.gaps))
    out.line()
    if execute:
        carry_out(out, ctx, governing.standing(ctx, plan) or plan, more=more)
    elif cleanup:
        plan = governing.keep(ctx, plan)
        show_only(out, plan, "Without --dry-run it is done.", kept=True, more=more)
    else:
        out.document({**run_document(plan, None, dry_run=True), **more})
        show_prunable(out, found)
        if plan.actions:
            out.line("  --cleanup stops them and makes them dormant; with --dry-run it shows how.")
