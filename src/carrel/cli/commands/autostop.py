"""`carrel autostop`: what will stop a workspace, and when; stop what is idle."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Execute, User, Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output

if TYPE_CHECKING:
    from carrel.control.fleet.context import FleetContext
    from carrel.control.fleet.sources import Sources

app = group(
    "What will stop a workspace, and when; stop what is idle.",
    "carrel autostop detect",
    "carrel autostop detect ada/dev",
    "carrel autostop timeline --within 12h",
    "carrel autostop run --execute --dry-run",
)

Workspace = Annotated[
    str | None,
    typer.Argument(
        metavar="[WS]",
        help="Of one: OWNER/NAME, a name alone if it is unique, or an id.",
        show_default=False,
    ),
]


@command(app, "carrel autostop detect", "carrel autostop detect ada/dev --json", name="detect")
def detect(
    workspace: Workspace = None, user: User = None, verbose: Verbose = False, as_json: Json = False
) -> None:
    """Every source of a stop, and whether it applies.

    Time to live, template default, required stops, quiet hours, activity, dormancy, and our
    policies. Where the deployment's deadline is not what its settings give, that is told.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.stops import show_left_out, show_one, show_sources, sources_document
    from carrel.control.fleet import sources

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Looking at the fleet"):
        found = _found(ctx, workspace, user, sources.AHEAD)
    out.document(sources_document(found))
    if workspace is None:
        show_sources(out, found)
    else:
        show_one(out, found.every[0])
        show_left_out(out, found)


@command(
    app,
    "carrel autostop timeline",
    "carrel autostop timeline --within 12h --user ada",
    "carrel autostop timeline ada/dev",
    name="timeline",
)
def timeline(
    workspace: Workspace = None,
    within: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Only from now until then: 12h, 2d.", show_default=False),
    ] = None,
    user: User = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """The stops that will come, in the order of time.

    As things stand: one workspace is stopped by what comes first; work in it can move that.
    What our own policies will do is foreseen for a day, or for --within.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.spans import span_of
    from carrel.cli.fleets.stops import show_one, show_timeline, timeline_document
    from carrel.control.fleet import sources

    out, span = Output(as_json=as_json), None if within is None else span_of(within, unit="h")
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Looking at the fleet"):
        found = _found(ctx, workspace, user, max(span or sources.AHEAD, sources.AHEAD))
    out.document(timeline_document(found, span))
    if workspace is None:
        show_timeline(out, found, span)
    else:
        show_one(out, found.every[0])


def _found(
    ctx: "FleetContext", workspace: str | None, user: str | None, ahead: timedelta
) -> "Sources":
    from carrel.control.fleet import sources
    from carrel.errors import BadInputError

    if workspace is None:
        return sources.of_fleet(ctx, user=user, ahead=ahead)
    if user is not None:
        raise BadInputError(
            "bad_options",
            "A workspace and a user were both given.",
            cure="Name the workspace alone, as OWNER/NAME.",
        )
    return sources.of_one(ctx, workspace, ahead=ahead)


@command(
    app,
    "carrel autostop run                       the plan",
    "carrel autostop run --execute             do it",
    name="run",
)
def run(
    execute: Execute = False,
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Stop what is idle, runs too long, or was forgotten.

    How long is too long stands in [policy.autostop] of carrel.toml; without it, only stops
    that the deployment should have done, and forgot, are done.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.runs import Run
    from carrel.cli.fleets.runs import run as carry
    from carrel.domain.governance.plans import Purpose

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose, laid_over={"autostop": {}}) as ctx:
        carry(out, ctx, Run(
            Purpose.AUTOSTOP, frozenset({"autostop"}), execute and not dry_run,
            "'--execute' without '--dry-run' does it.",
        ))  # fmt: skip
