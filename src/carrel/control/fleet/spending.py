"""What was spent this month: running time that passes add up, times the price book."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast

from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.remembering import Billed, Ran
from carrel.domain.fleet.workspaces import FleetWorkspace

_HOUR = 3600.0


class Book(Protocol):
    """The settings of the policy on money, as far as they are a price book."""

    @property
    def currency(self) -> str:
        """Return what prices are in."""
        ...

    @property
    def prices(self) -> tuple[tuple[str, float], ...]:
        """Return money for a running hour, by pattern of template."""
        ...

    def price(self, workspace: FleetWorkspace) -> float | None:
        """Return what a running hour of a workspace costs; None: there is no price."""
        ...

    def price_of(self, template: str) -> float | None:
        """Return what a running hour of a template's workspaces costs."""
        ...

    def month(self, at: datetime) -> tuple[datetime, datetime]:
        """Return when the month of a moment begins and ends."""
        ...


def book(ctx: FleetContext) -> Book | None:
    """Return the price book; None: there is no policy on money in force."""
    held = ctx.configured("budget")
    return None if held is None else cast("Book", held.settings)


def month(ctx: FleetContext, at: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of the month of a moment: by the budget's zone, else in UTC."""
    held = book(ctx)
    if held is not None:
        return held.month(at)
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)


def spent(ctx: FleetContext, seen: Observation, at: datetime) -> Mapping[str, float]:
    """Return the money of the month so far, by `user:NAME`, `group:NAME` and `template:NAME`.

    Empty where no budget is in force, or nothing was recorded this month: then it is not known.
    """
    held = book(ctx)
    if held is None:
        return {}
    begin, end = held.month(at)
    before = held.month(begin - timedelta(days=1))[0]
    with ctx.store.reading() as session:
        known = session.history.running(ctx.address, begin, end)
        ran_before = session.history.running(ctx.address, before, begin)
        billed = session.history.bills(ctx.address, before, begin)
    return by_holder(known, _Prices(held, ran_before, billed), seen)


class _Prices:
    """The price book; what it lacks, the bill of the month before tells."""

    def __init__(self, held: Book, ran_before: Iterable[Ran], billed: Iterable[Billed]) -> None:
        self._held = held
        hours: dict[str, float] = {}
        for one in ran_before:
            hours[one.template] = hours.get(one.template, 0.0) + one.seconds / _HOUR
        costs: dict[str, float] = {}
        for line in billed:
            if line.currency.upper() == held.currency.upper():
                costs[line.template] = costs.get(line.template, 0.0) + line.cost
        self._told = {name: cost / hours[name] for name, cost in costs.items() if hours.get(name)}

    def of(self, template: str) -> float:
        """Return money for a running hour; without any price it costs nothing."""
        price = self._held.price_of(template)
        return price if price is not None else self._told.get(template, 0.0)


def by_holder(known: Iterable[Ran], prices: _Prices, seen: Observation) -> dict[str, float]:
    """Add up what running time cost, by holder."""
    found: dict[str, float] = {}
    owners: dict[str, float] = {}
    for one in known:
        money = one.seconds / _HOUR * prices.of(one.template)
        for key in (f"user:{one.owner}", f"template:{one.template}"):
            found[key] = found.get(key, 0.0) + money
        owners[one.owner] = owners.get(one.owner, 0.0) + money
    for user in seen.users.values():
        for group in user.groups:
            named = seen.groups.get(group)
            if named is not None and user.username in owners:
                key = f"group:{named.name}"
                found[key] = found.get(key, 0.0) + owners[user.username]
    return found


def ran(
    ctx: FleetContext, seen: Observation, before: frozenset[str], last: datetime | None
) -> list[Ran]:
    """Return for how long workspaces have run since the last observation.

    Args:
        ctx: The fleet.
        seen: The present observation.
        before: What ran at the last one.
        last: When that was; None: there was none, and of this month the present runs are known.
    """
    if last is None:
        last = month(ctx, seen.at)[0]
    if last >= seen.at:
        return []
    found: list[Ran] = []
    for one in seen.workspaces:
        begin, end = last, seen.at
        if one.on:
            begin = max(last, one.on_since or seen.at)
        elif one.workspace_id in before:
            end = min(seen.at, max(last, one.build.created_at or last))
        else:
            continue
        found += _by_month(ctx, one, begin, end)
    return found


def _by_month(ctx: FleetContext, one: FleetWorkspace, begin: datetime, end: datetime) -> list[Ran]:
    found: list[Ran] = []
    while begin < end:
        first, next_ = month(ctx, begin)
        part = min(end, next_)
        seconds = (part - begin).total_seconds()
        found.append(Ran(first, one.workspace_id, one.full_name, one.owner, one.template, seconds))
        begin = part
    return found
