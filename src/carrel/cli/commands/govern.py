"""`carrel govern`: observe, decide, warn and act, once or for ever."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.errors import BadInputError

if TYPE_CHECKING:
    from carrel.cli.fleets.passing import Watcher
    from carrel.control.fleet.context import FleetContext

app = group()


@command(
    app,
    "carrel govern --dry-run",
    "carrel govern --once                      one pass, for a timer",
    "carrel govern --watch --interval 5m       a pass each five minutes, until Ctrl-C",
)
def govern(
    once: Annotated[bool, typer.Option("--once", help="One pass; the default.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, pass after pass.")] = False,
    interval: Annotated[
        str, typer.Option(metavar="SPAN", help="From one pass to the next (5m).")
    ] = "5m",
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Look at the fleet, ask all policies, warn owners, and do what is due.

    A plan is stored before anything is done; 'carrel plan undo' takes it back. What is not due
    yet, or whose owner could not be warned, waits for a later pass. On missing data nothing is
    stopped. Several may run at once: limits count over all of them.
    With --watch and --json, each pass is one JSON document.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.cli.fleets.passing import Watcher
    from carrel.cli.fleets.spans import span_of

    if once and watch:
        raise BadInputError(
            "usage", "A pass is made once or again and again, not both.",
            cure="See 'carrel govern --help'.",
        )  # fmt: skip
    pause = span_of(interval, unit="m")
    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        if watch:
            _for_ever(ctx, Watcher(out, ctx, watching=True), pause, dry_run=dry_run)
        elif dry_run:
            _rehearse(out, ctx)
        else:
            Watcher(out, ctx).once()


def _rehearse(out: Output, ctx: "FleetContext") -> None:
    from carrel.cli.fleets.carrying import show_only
    from carrel.control.fleet import governing

    with out.working("Looking at the fleet"):
        made = governing.keep(ctx, governing.rehearse(ctx))
    show_only(out, made, "Without --dry-run this plan is carried out.", kept=True)


def _for_ever(ctx: "FleetContext", watcher: "Watcher", pause: timedelta, *, dry_run: bool) -> None:
    import gc

    from carrel.control.fleet import governing

    if dry_run:
        raise BadInputError(
            "usage", "A rehearsal is made once.", cure="Leave out --watch or --dry-run."
        )
    gc.enable()  # a command does without; this one may run for months
    for made in governing.watch(ctx, pause, watcher.told, planned=watcher.planned):
        watcher.passed(made)
