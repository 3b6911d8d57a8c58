"""`carrel quiet-hours`: who runs in quiet hours, and stop it."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Execute, Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output

if TYPE_CHECKING:
    from carrel.control.fleet.quieting import Status

app = group(
    "Who runs in quiet hours, and stop it.",
    "carrel quiet-hours status",
    "carrel quiet-hours categorize",
    "carrel quiet-hours run --execute --dry-run",
    "carrel quiet-hours run --execute",
)

Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        help="Zone of the windows in carrel.toml, such as Europe/Berlin.",
        show_default=False,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Also what its time to live should have stopped.")
]


@command(app, "carrel quiet-hours status", name="status")
def status(timezone: Timezone = None, verbose: Verbose = False, as_json: Json = False) -> None:
    """Whose quiet hours are when, and who runs in them."""
    from carrel.cli.fleets.quiet import show_status, status_document

    out = Output(as_json=as_json)
    found = _status(out, timezone, verbose=verbose)
    out.document(status_document(found))
    show_status(out, found)


@command(
    app,
    "carrel quiet-hours categorize",
    "carrel quiet-hours categorize --force",
    name="categorize",
)
def categorize(
    force: Force = False,
    timezone: Timezone = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """How each running workspace stands, and why.

    It is stopping now, in grace, running past the end, its TTL has expired, it is normal, or
    excluded. With --force as a forced run would see it.
    """
    from carrel.cli.fleets.quiet import categories_document, show_categories

    out = Output(as_json=as_json)
    found = _status(out, timezone, force=force, verbose=verbose)
    out.document(categories_document(found))
    show_categories(out, found)


@command(app, "carrel quiet-hours report", "carrel quiet-hours report --json", name="report")
def report(timezone: Timezone = None, verbose: Verbose = False, as_json: Json = False) -> None:
    """Count by organization, and list what is against the rules.

    That is what is stopping now, runs past the end of quiet hours or past its time to live, and
    what nobody can judge.
    """
    from carrel.cli.fleets.quiet import report_document, show_report

    out = Output(as_json=as_json)
    found = _status(out, timezone, verbose=verbose)
    out.document(report_document(found))
    show_report(out, found)


@command(
    app,
    "carrel quiet-hours run                             the plan",
    "carrel quiet-hours run --execute                   do it",
    "carrel quiet-hours run --execute --force --dry-run",
    name="run",
)
def run(
    execute: Execute = False,
    force: Force = False,
    timezone: Timezone = None,
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Stop what runs in its quiet hours, after its grace.

    --force never overrides exclusions, missing data, limits or a freeze.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.runs import Run
    from carrel.cli.fleets.runs import run as carry
    from carrel.domain.governance.plans import Purpose

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose, laid_over={"quiet_hours": _zone(timezone)}) as ctx:
        carry(out, ctx, Run(
            Purpose.QUIET_HOURS, frozenset({"quiet_hours"}), execute and not dry_run,
            "'--execute' without '--dry-run' does it.", force, night=True,
        ))  # fmt: skip


@command(
    app,
    "carrel quiet-hours enterprise",
    "carrel quiet-hours enterprise --user ada --json",
    name="enterprise",
)
def enterprise(
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of one user (needs the right to see it)."),
    ] = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """What the deployment itself keeps: its default, users' own."""
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.quiet import show_enterprise
    from carrel.cli.plain import record
    from carrel.control.fleet import quieting

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Asking the deployment"):
        found = quieting.enterprise(ctx, user)
    out.document(record(found))
    show_enterprise(out, found, user)


def _status(out: Output, timezone: str | None, *, force: bool = False, verbose: bool) -> "Status":
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import quieting

    tables = {"quiet_hours": _zone(timezone)}
    with (
        opened_fleet(out, verbose=verbose, laid_over=tables) as ctx,
        out.working("Looking at the fleet"),
    ):
        return quieting.status(ctx, force=force)


def _zone(timezone: str | None) -> dict[str, object]:
    return {} if timezone is None else {"timezone": timezone}
