"""`carrel fleet bill`: take a provider's bill in, and hold it against the price book."""

from typing import TYPE_CHECKING, Annotated

import typer

from carrel.cli.declaring import command, group
from carrel.cli.fleets.options import Verbose
from carrel.cli.options import DryRun, Json
from carrel.cli.output import Output
from carrel.cli.plain import record
from carrel.cli.table import Cell, Column
from carrel.cli.wording import count, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carrel.control.fleet.billing import Imported, Reconciled

app = group(
    "Take a provider's bill in, and hold it against the price book.",
    "carrel fleet bill import march.csv",
    "carrel fleet bill show --since 2026-01-01",
)


@command(
    app,
    "carrel fleet bill import march.csv --dry-run",
    "carrel fleet bill import march.csv --json",
    name="import",
)
def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV in the FOCUS format.", show_default=False)
    ],
    dry_run: DryRun = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Take in what a provider has billed, from its export in the FOCUS format.

    A newer export of an account's month takes the place of the older one. Rows belong to a
    workspace by its tags (com.coder.workspace.id and the like), or by the resource's id.
    """
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import billing

    out = Output(as_json=as_json)
    text = _read(file)
    with opened_fleet(out, verbose=verbose) as ctx, out.working("Reading the bill"):
        found = billing.take(ctx, text, dry_run=dry_run)
    out.document({
        "dry_run": dry_run,
        "rows": found.bill.rows,
        "replaced": found.replaced,
        "unassigned": round(found.bill.unassigned, 2),
        "lines": [record(one) for one in found.bill.lines],
    })  # fmt: skip
    _show_import(out, found)


def _read(file: str) -> list[str]:
    from carrel.errors import BadInputError

    try:
        with open(file, encoding="utf-8-sig", newline="") as source:
            return source.readlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "bad_bill",
            f"The bill {file} can't be read; nothing of it was taken.",
            why=f"{error}.",
            cure="Name a file of CSV in UTF-8 that you may read.",
        ) from error


def _show_import(out: Output, found: "Imported") -> None:
    bill, style = found.bill, out.style
    totals: dict[str, float] = {}
    for one in bill.lines:
        totals[one.currency] = totals.get(one.currency, 0.0) + one.cost
    months = sorted({f"{one.month:%Y-%m}" for one in bill.lines})
    total = ", ".join(f"{cost:,.2f} {currency}" for currency, cost in sorted(totals.items()))
    mark = style.dim("-") if found.dry_run else style.green("✓")
    out.line(f"{mark} {count(bill.rows, 'row')} for {', '.join(months) or 'no month'}: "
             f"{style.bold(total or 'nothing')}.")  # fmt: skip
    if bill.unassigned:
        out.line(f"  {bill.unassigned:,.2f} of it belong to no workspace, user or template.")
    if found.replaced:
        out.line(f"  {count(found.replaced, 'line')} of an older import gave way.")
    if found.dry_run:
        out.line("Nothing was written.")


@command(app, "carrel fleet bill show", "carrel fleet bill show --since 90d --json", name="show")
def show(
    since: Annotated[
        str, typer.Option(metavar="DATE", help="From which month on: a day, or 60d.")
    ] = "60d",
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Hold what was billed against running hours and the price book, month by month."""
    from carrel.cli.fleets.moments import moment_of
    from carrel.cli.fleets.opening import opened_fleet
    from carrel.control.fleet import billing

    out = Output(as_json=as_json)
    with opened_fleet(out, verbose=verbose) as ctx:
        now = ctx.now()
        begin = moment_of(since, now)
        found = billing.reconcile(ctx, begin, now)
    out.document({"since": begin, "until": now, "months": [record(one) for one in found]})
    _show_months(out, found)


def _show_months(out: Output, found: "Sequence[Reconciled]") -> None:
    if not found:
        out.line("Nothing was billed, and no running hours were counted.")
        return
    columns = [
        Column("MONTH"),
        Column("TEMPLATE", shrinks=True),
        Column("HOURS", right=True),
        Column("BY THE BOOK", right=True),
        Column("BILLED", right=True),
        Column("PER HOUR", right=True),
    ]
    out.table(columns, [
        [
            Cell(f"{one.month:%Y-%m}"),
            Cell(shown(one.template or "(none)"), out.style.bold),
            Cell(f"{one.hours:,.1f}"),
            Cell("no price" if one.expected is None else f"{one.expected:,.2f}"),
            Cell(f"{one.billed:,.2f} {one.currency}".strip() if one.currency else "-"),
            Cell("-" if one.price is None else f"{one.price:,.3f}"),
        ]
        for one in found
    ])  # fmt: skip
