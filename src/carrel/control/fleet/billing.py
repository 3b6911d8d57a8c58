"""Bills: a provider's export is taken in, and held against what the price book says."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from carrel.control.fleet import observing, spending
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.spending import Book
from carrel.domain.fleet.billing import Bill, Known, read_bill
from carrel.domain.records import dataclass
from carrel.errors import FailedError

_HOUR = 3600.0
_NOTHING = {"": 0.0}
"""What is billed, by currency, where nothing was."""
_Share = tuple[datetime, str]
"""Month and template."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import.

    Attributes:
        bill: What the export says.
        replaced: How many lines of an older import it took the place of.
        dry_run: Nothing was written.
    """

    bill: Bill
    replaced: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A month of one template, forecast by the price book and as billed in one currency.

    Attributes:
        month: When it began.
        template: The template's name, or empty: what belongs to none.
        hours: Running hours that passes have counted.
        expected: What they cost by the price book; None: there is no price.
        billed: What was billed.
        currency: What the bill is in; empty: nothing was billed.
        price: What a running hour cost in truth; None: it can't be told.
    """

    month: datetime
    template: str
    hours: float
    expected: float | None
    billed: float
    currency: str
    price: float | None


def take(ctx: FleetContext, text: Iterable[str], *, dry_run: bool = False) -> Imported:
    """Take an export in. An account's newer export of a month takes the older one's place.

    Raises:
        BadInputError: `bad_bill`.
    """
    known = tuple(_known(ctx))
    bill = read_bill(text, known, lambda at: spending.month(ctx, at)[0])
    months = sorted({(one.month, one.account) for one in bill.lines})
    replaced = 0
    if not dry_run:
        facts: dict[str, object] = {
            "rows": bill.rows,
            "months": [f"{month:%Y-%m} {account}" for month, account in months],
            "cost": round(sum(one.cost for one in bill.lines), 2),
        }
        with ctx.noting("bill.taken", ctx.address, **facts) as session:
            for month, account in months:
                mine = [one for one in bill.lines if (one.month, one.account) == (month, account)]
                replaced += session.history.put_bill(ctx.address, month, account, mine)
    return Imported(bill, replaced, dry_run)


def reconcile(ctx: FleetContext, since: datetime, until: datetime) -> tuple[Reconciled, ...]:
    """Hold bills against the price book, month by month and template by template."""
    first = spending.month(ctx, since)[0]
    with ctx.store.reading() as session:
        ran = session.history.running(ctx.address, first, until)
        bills = session.history.bills(ctx.address, first, until)
    held = spending.book(ctx)
    hours: dict[_Share, float] = {}
    for one in ran:
        share = (one.month, one.template)
        hours[share] = hours.get(share, 0.0) + one.seconds / _HOUR
    billed: dict[_Share, dict[str, float]] = {}
    for line in bills:
        sums = billed.setdefault((line.month, line.template), {})
        sums[line.currency] = sums.get(line.currency, 0.0) + line.cost
    return tuple(
        _reconciled(share, hours.get(share, 0.0), cost, held)
        for share in sorted({*hours, *billed})
        for cost in sorted(billed.get(share, _NOTHING).items())
    )


def _reconciled(
    share: _Share, hours: float, cost: tuple[str, float], held: Book | None
) -> Reconciled:
    (month, template), (currency, billed) = share, cost
    price = held.price_of(template) if held is not None else None
    return Reconciled(
        month=month,
        template=template,
        hours=hours,
        expected=None if price is None else hours * price,
        billed=billed,
        currency=currency,
        price=billed / hours if template and hours and currency else None,
    )


def _known(ctx: FleetContext) -> Iterator[Known]:
    for one in observing.recent(ctx).workspaces:
        yield Known(one.workspace_id, one.owner, one.name, one.template)
    try:
        for one in ctx.fleet.deleted():
            yield Known(one.workspace_id, one.owner, one.name, one.template)
    except FailedError as error:
        ctx.log("deleted.unreadable", {"code": error.code, "error": str(error)})
