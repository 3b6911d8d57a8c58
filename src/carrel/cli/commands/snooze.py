"""`carrel snooze`: keep a workspace running for a while."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Reason, Verbose
from carrel.cli.options import Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import moment, shown, zone_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.fleet.context import FleetContext
    from carrel.control.fleet.keeping import Kept

app = group()

_USUAL = "2h"


@command(
    app,
    'carrel snooze ada/training --for 2h --reason "the model is learning"',
    "carrel snooze                          the leases in force",
    "carrel snooze --end keep-7f3kq2m9xa",
)
def snooze(
    workspace: Annotated[
        str | None,
        typer.Argument(
            metavar="[WS]", help="OWNER/NAME, or a name alone if it is unique.", show_default=False
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option("--for", metavar="SPAN", help="How long: 90m, or a number of hours (2h)."),
    ] = None,
    reason: Reason = "",
    end: Annotated[
        str | None, typer.Option(metavar="LEASE", help="End a lease before its time.")
    ] = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Keep a workspace running for a while, and say why; without one, list what is kept.

    No policy stops it until then. How long a lease may be is a setting of the policy
    keep_alive. The deployment's own deadline is another thing: 'carrel ttl extend' moves it.
    """
    from carrel.cli.fleets.opening import opened_fleet

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        made = _do(ctx, workspace, end, length, reason)
        leases = _leases(ctx)
    out.document({
        "made": _shape(made) if made else None,
        "ended": end,
        "leases": [_shape(one) for one in leases],
    })  # fmt: skip
    _show(out, made, end, leases)


def _do(
    ctx: "FleetContext", workspace: str | None, end: str | None, length: str | None, reason: str
) -> "Kept | None":
    from carrel.cli.fleets.spans import span_of
    from carrel.control.fleet import keeping
    from carrel.errors import BadInputError

    if end is not None and workspace is not None:
        raise BadInputError(
            "usage", "A lease is made or ended, not both.", cure="See 'carrel snooze --help'."
        )
    if workspace is None and end is None and (length is not None or reason):
        raise BadInputError(
            "usage",
            "Nothing was kept: no workspace is named.",
            cure="Say which: 'carrel snooze OWNER/NAME --for 2h'.",
        )
    if end is not None:
        keeping.end(ctx, end)
    if workspace is None:
        return None
    return keeping.snooze(
        ctx, workspace, span_of(_USUAL if length is None else length, unit="h"), reason
    )


def _leases(ctx: "FleetContext") -> "list[Kept]":
    from carrel.control.fleet import keeping

    return keeping.listing(ctx)


def _shape(kept: "Kept") -> dict[str, object]:
    return {"workspace": kept.workspace, **record(kept.keep)}


def _show(out: Output, made: "Kept | None", end: str | None, leases: "Sequence[Kept]") -> None:
    style = out.style
    if made is not None:
        name, until = style.bold(shown(made.workspace)), style.bold(moment(made.keep.until))
        out.line(f"{style.green('✓')} No policy stops {name} before {until}.")
        out.line(f"  To end it: {style.cyan(f'carrel snooze --end {made.keep.keep_id}')}")
        return
    if end is not None:
        out.line(f"{style.green('✓')} The lease {shown(end)} has ended.")
    if not leases:
        out.line("No workspace is kept by a lease.")
        return
    columns = [
        Column("LEASE"),
        Column("WORKSPACE", shrinks=True),
        Column(f"UNTIL ({zone_name(leases[0].keep.until)})"),
        Column("BY", shrinks=True),
        Column("WHY", shrinks=True),
    ]
    out.table(columns, [
        [Cell(one.keep.keep_id), Cell(shown(one.workspace), style.bold),
         Cell(moment(one.keep.until, zone=False)), Cell(shown(one.keep.by)),
         Cell(shown(one.keep.reason))]
        for one in leases
    ])  # fmt: skip
