"""Budget: money per user, group or template and month, from a price book; what is over stops."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.reading import Table
from carrel.domain.governance.returning import with_grace
from carrel.domain.governance.scopes import Scope, called, matches
from carrel.domain.governance.verdicts import Decide, Finding, Policy, Situation, Verdict, Wish
from carrel.domain.governance.withholding import always, gap_in_groups, said, withheld
from carrel.domain.records import dataclass

_NAME = "budget"
_KINDS = ("user", "group", "template")
OVER, NEAR, WITHIN, FREE = "over", "near", "within", "no_budget"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much money a kind of holder may cost in a month.

    Attributes:
        kind: `user`, `group` or `template`.
        pattern: Whose; each that fits has a budget of its own.
        amount: How much, in the price book's currency.
        stop: Whether what is over is stopped; else only told.
    """

    kind: str
    pattern: str
    amount: float
    stop: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """`[policy.budget]`.

    Attributes:
        currency: What prices are in.
        prices: Money per running hour, by pattern of template; the first that fits counts.
        limits: The budgets.
        near: The part of a budget from which it is called nearly spent.
        zone: Whose calendar the months follow.
    """

    currency: str
    prices: tuple[tuple[str, float], ...]
    limits: tuple[Limit, ...]
    near: float
    zone: ZoneInfo

    def price(self, workspace: FleetWorkspace) -> float | None:
        """Return what a running hour of a workspace costs; None: the book has no price."""
        what = called((workspace.template,), workspace.template_id)
        return next((price for one, price in self.prices if matches((one,), what)), None)

    def price_of(self, template: str) -> float | None:
        """Return what a running hour of a template's workspaces costs."""
        what = called((template,))
        return next((price for one, price in self.prices if matches((one,), what)), None)

    def month(self, at: datetime) -> tuple[datetime, datetime]:
        """Return when the month of a moment begins and ends."""
        local = at.astimezone(self.zone)
        first = datetime(local.year, local.month, 1, tzinfo=self.zone)
        later = (first + timedelta(days=32)).replace(day=1)
        return first.astimezone(UTC), later.astimezone(UTC)


class Budget:
    """Stops what belongs to somebody whose month's budget is spent."""

    name = _NAME
    summary = "Stops what is over its month's budget, and tells what nearly is."
    needs = frozenset({"workspaces"})
    protects = False
    use_only_spares = True

    def read(self, table: Mapping[str, object]) -> Settings:
        """Read `[policy.budget]`."""
        top = Table(f"policy.{_NAME}", table)
        top.switch("enabled", default=True)
        book = top.table("prices")
        prices = tuple((str(name), book.number(str(name), 0)) for name in book.content)
        found = Settings(
            currency=top.text("currency", "USD"),
            prices=prices,
            limits=tuple(_limit(one) for one in top.tables("limit")),
            near=top.number("near_percent", 80) / 100,
            zone=top.zone("timezone", ZoneInfo("UTC")),
        )
        top.done()
        return found

    def prepare(self, settings: object, situation: Situation) -> Decide:
        """Judge every holder of a budget once."""
        mine, observation = cast("Settings", settings), situation.observation
        grouped = [Scope(groups=("*",))] if any(one.kind == "group" for one in mine.limits) else []
        gap = gap_in_groups(observation, grouped)
        if gap is not None:
            return always(withheld(_NAME, said(gap)))
        judge = _judge(mine, situation)
        known: dict[tuple[str, str], Verdict] = {}
        off = Verdict(_NAME, Wish.NOTHING, "It does not run, and costs no running hours.")

        def decide(workspace: FleetWorkspace) -> Verdict:
            if not workspace.on:
                return off
            key = (workspace.owner_id, workspace.template_id)
            found = known.get(key)
            if found is None:
                found = known[key] = judge(_holders(workspace, observation))
            returns = situation.flaps.get(workspace.workspace_id)
            return with_grace(found, returns, situation.at) if returns else found

        return decide

    def check(self, settings: object, observation: Observation | None) -> list[Finding]:
        """Find templates without a price, and limits that nobody has."""
        mine = cast("Settings", settings)
        found: list[Finding] = []
        if mine.limits and not mine.prices:
            found.append(Finding(_NAME, "prices", "error", "Without prices nothing costs anything.",
                                 "Give [policy.budget.prices] or import a bill."))  # fmt: skip
        if observation is None:
            return found
        priced = {one.template: mine.price(one) for one in observation.workspaces}
        found += [
            Finding(_NAME, "prices", "warning", f"Template {name!r} has no price.",
                    "Add it to [policy.budget.prices].")
            for name, price in sorted(priced.items())
            if price is None and mine.prices
        ]  # fmt: skip
        held = {one for each in observation.workspaces for one in _holders(each, observation)}
        found += [
            Finding(_NAME, f"{one.kind} {one.pattern}", "warning", "Nobody has this budget.",
                    "Correct the pattern, or take it away.")
            for one in mine.limits
            if not any(kind == one.kind and _fits(one, name) for kind, name in held)
        ]  # fmt: skip
        return found


def _limit(table: Table) -> Limit:
    given = {kind: table.text(kind) for kind in _KINDS}
    amount = table.number("amount", -1, least=0)
    stop = table.choice("then", "stop", ("stop", "tell")) == "stop"
    table.done()
    named = [(kind, pattern) for kind, pattern in given.items() if pattern]
    if len(named) != 1:
        raise table.wrong("", "a limit is for one kind", "given one of user, group, template")
    if amount < 0:
        raise table.wrong("amount", "it is not given", "money for a month")
    return Limit(*named[0], amount, stop)


def _holders(workspace: FleetWorkspace, observation: Observation) -> list[tuple[str, str]]:
    user = observation.users.get(workspace.owner_id)
    groups = sorted(
        observation.groups[one].name
        for one in (user.groups if user else ())
        if one in observation.groups
    )
    return [
        ("user", workspace.owner),
        *(("group", name) for name in groups),
        ("template", workspace.template),
    ]


def _fits(limit: Limit, name: str) -> bool:
    return matches((limit.pattern,), called((name,)))


def _judge(mine: Settings, situation: Situation) -> Callable[[Iterable[tuple[str, str]]], Verdict]:
    ends = mine.month(situation.at)[1]
    free = Verdict(_NAME, Wish.NOTHING, "No budget is set for it.", category=FREE)

    def judge(holders: Iterable[tuple[str, str]]) -> Verdict:
        worst, share = free, -1.0
        for kind, name in holders:
            limit = next(
                (one for one in mine.limits if one.kind == kind and _fits(one, name)), None
            )
            if limit is None:
                continue
            spent = situation.spent.get(f"{kind}:{name}")
            if spent is None and not situation.spent:
                why = "what was spent is not known yet: passes of `carrel govern` count it."
                return withheld(_NAME, why)
            part = (spent or 0.0) / limit.amount if limit.amount else float("inf")
            if part > share:
                worst, share = _verdict(mine, limit, name, spent or 0.0, ends), part
        return worst

    return judge


def _verdict(mine: Settings, limit: Limit, name: str, spent: float, ends: datetime) -> Verdict:
    why = (
        f"{limit.kind.capitalize()} {name!r} spent {spent:.2f} of {limit.amount:.2f}"
        f" {mine.currency} this month."
    )
    if spent >= limit.amount:
        wish = Wish.STOP if limit.stop else Wish.NOTHING
        return Verdict(_NAME, wish, why, ends, OVER)
    near = spent >= limit.amount * mine.near
    return Verdict(_NAME, Wish.NOTHING, why, ends, NEAR if near else WITHIN)


POLICY: Policy = Budget()
