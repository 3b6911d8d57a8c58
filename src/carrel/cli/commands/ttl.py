"""`carrel ttl`: times to live: who is late, and set or extend one."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import FleetWorkspaceName, Reason, User, Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from carrel.control.fleet.context import FleetContext
    from carrel.domain.governance.plans import Plan

app = group(
    "Times to live: who is late, and set or extend one.",
    "carrel ttl report",
    "carrel ttl report --user ada --threshold 2h --show-all",
    "carrel ttl watch --interval 15m",
    "carrel ttl set ada/dev 8h",
    "carrel ttl extend ada/dev 2h",
)

Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="SPAN",
        help="So near, a stop comes soon: 90m, or a number of hours. Else the setting (1h).",
        show_default=False,
    ),
]
ShowAll = Annotated[bool, typer.Option("--show-all", help="Also list what is in time.")]
AllOrgs = Annotated[
    bool, typer.Option("--all-orgs", help="Also organizations that you are no member of.")
]


@command(
    app,
    "carrel ttl report",
    "carrel ttl report --user ada --threshold 2h",
    "carrel ttl report --show-all --all-orgs --json",
    name="report",
)
def report(
    *,
    user: User = None,
    threshold: Threshold = None,
    show_all: ShowAll = False,
    all_orgs: AllOrgs = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Who is late, who stops soon, who breaks the rules.

    What is demanded stands in [policy.time_to_live] of carrel.toml. Nothing is changed.
    """
    from carrel.cli.fleets.lives import compliance_document, show_compliance
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import living

    out, near = Output(as_json=as_json), _span(threshold, "h")
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Looking at the fleet"):
        found = living.compliance(ctx, user=user, threshold=near, everywhere=all_orgs)
    out.document(compliance_document(found, everything=show_all))
    show_compliance(out, found, everything=show_all)


@command(
    app,
    "carrel ttl watch",
    "carrel ttl watch --interval 5m --threshold 30m",
    "carrel ttl watch --json                  one document a round",
    name="watch",
)
def watch(
    *,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="From one look to the next: 5m, or minutes; else the setting.",
            show_default=False,
        ),
    ] = None,
    user: User = None,
    threshold: Threshold = None,
    show_all: ShowAll = False,
    all_orgs: AllOrgs = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Look again and again, and tell what changed.

    Until Ctrl-C. Nothing is stopped. A look that fails is told, and the next one is made all
    the same.
    """
    from carrel import bootstrap
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.watching import Watching
    from carrel.control.fleet import living

    out, pause, near = Output(as_json=as_json), _span(interval, "m"), _span(threshold, "h")
    with opened_fleet(out, verbose=verbose) as ctx:
        Watching(out, everything=show_all).go_on(
            ctx.clock,
            pause or timedelta(minutes=bootstrap.settings().watch.ttl_minutes),
            lambda: living.compliance(ctx, user=user, threshold=near, everywhere=all_orgs),
        )


@command(
    app,
    "carrel ttl set ada/dev 8h",
    'carrel ttl set ada/dev none --reason "a training run"',
    "carrel ttl set ada/dev 8h --dry-run",
    name="set",
)
def set_(
    workspace: FleetWorkspaceName,
    length: Annotated[
        str, typer.Argument(metavar="SPAN", help="8h, 1d12h, or 'none'.", show_default=False)
    ],
    reason: Reason = "",
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Set a workspace's time to live.

    As far as [policy.time_to_live] allows. It counts from the next start on; 'none' also takes
    the running build's deadline away.
    'carrel plan undo' takes the change back.
    """
    from carrel.control.fleet import setting

    wanted = None if length.strip().lower() in _NONE else _span(length, "h")
    _change(
        lambda ctx: setting.ttl(ctx, workspace, wanted, reason),
        Output(as_json=as_json),
        dry_run=dry_run,
        verbose=verbose,
    )


_NONE = frozenset({"none", "never", "off", "0"})


@command(
    app,
    "carrel ttl extend ada/dev 2h",
    "carrel ttl extend ada/dev 30m --dry-run",
    name="extend",
)
def extend(
    workspace: FleetWorkspaceName,
    length: Annotated[
        str, typer.Argument(metavar="SPAN", help="How much later: 2h, 30m.", show_default=False)
    ],
    reason: Reason = "",
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Let a running workspace stop later than it would.

    As far as template and policy allow. 'carrel snooze' is another thing: it keeps Carrel's own
    policies away.
    """
    from carrel.control.fleet import setting

    wanted = _span(length, "h") or timedelta()
    _change(
        lambda ctx: setting.extend(ctx, workspace, wanted, reason),
        Output(as_json=as_json),
        dry_run=dry_run,
        verbose=verbose,
    )


def _change(
    make: "Callable[[FleetContext], Plan]", out: Output, *, dry_run: bool, verbose: bool
) -> None:
    from carrel.cli.fleets.carrying import carry_out, show_only
    from carrel.cli.fleets.opening import opened_fleet

    with opened_fleet(out, verbose=verbose) as ctx:
        with out.working("Looking at the workspace"):
            plan = make(ctx)
        if dry_run:
            show_only(out, plan, "Without --dry-run it is done.")
        else:
            carry_out(out, ctx, plan)


def _span(text: str | None, unit: str) -> timedelta | None:
    from carrel.cli.fleets.spans import span_of

    return None if text is None else span_of(text, unit=unit)
