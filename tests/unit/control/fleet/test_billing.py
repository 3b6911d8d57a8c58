"""A bill is taken in once, replaced by a newer one, and held against the price book."""

from datetime import timedelta

import pytest

from carrel.control.fleet import billing, observing, recording, spending
from carrel.control.fleet.context import FleetContext
from carrel.planning.deciding import Configured
from carrel.policies.budget import POLICY as BUDGET
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet

HEAD = "BilledCost,BillingCurrency,ChargePeriodStart,Tags\n"


@pytest.fixture
def counted(ctx: FleetContext, fleet: FakeFleet, clock: HandClock) -> FleetContext:
    """Ten hours of a workspace without a price, which ran for two before."""
    ctx.remember = timedelta(days=90)
    ctx.policies = (Configured(BUDGET, BUDGET.read({"prices": {"gpu": 9.0}})),)
    fleet.add("dev")
    recording.record(ctx, observing.observe(ctx))
    clock.advance(timedelta(hours=10))
    recording.record(ctx, observing.observe(ctx))
    return ctx


def export(ctx: FleetContext, cost: float, currency: str = "usd") -> list[str]:
    tags = '"{""coder_owner"": ""ada"", ""coder_workspace"": ""dev""}"'
    return [HEAD, f"{cost},{currency},{ctx.now().isoformat()},{tags}\n"]


def test_a_price_needs_hours_and_a_bill_of_the_same_template(counted: FleetContext) -> None:
    (ran,) = billing.reconcile(counted, counted.now(), counted.now())
    assert (ran.template, ran.billed, ran.currency, ran.price) == ("python", 0.0, "", None)
    billing.take(counted, [HEAD, f"7,USD,{counted.now().isoformat()},\n"])
    nobodys, ran = billing.reconcile(counted, counted.now(), counted.now())
    assert (nobodys.template, nobodys.billed, nobodys.price) == ("", 7.0, None)
    assert (ran.template, ran.billed, ran.price) == ("python", 0.0, None)


def test_a_newer_bill_takes_the_place_of_the_older(counted: FleetContext) -> None:
    assert billing.take(counted, export(counted, 5), dry_run=True).replaced == 0
    assert billing.take(counted, export(counted, 5)).replaced == 0
    assert billing.take(counted, export(counted, 24)).replaced == 1
    (found,) = billing.reconcile(counted, counted.now(), counted.now())
    assert (found.template, found.hours, found.expected) == ("python", 12.0, None)
    assert (found.billed, found.currency, found.price) == (24.0, "USD", 2.0)
    with counted.store.reading() as session:
        assert [event.action for event in session.events()] == ["bill.taken"] * 2


def test_what_is_billed_in_two_currencies_is_never_added_up(counted: FleetContext) -> None:
    both = [*export(counted, 24), *export(counted, 6, "EUR")[1:]]
    billing.take(counted, both)
    found = billing.reconcile(counted, counted.now(), counted.now())
    assert [(one.billed, one.currency, one.price) for one in found] == [
        (6.0, "EUR", 0.5),
        (24.0, "USD", 2.0),
    ]


@pytest.mark.parametrize("currency", ["usd", "EUR"])
def test_what_the_book_lacks_the_bill_of_the_month_before_tells_in_the_books_currency(
    counted: FleetContext, clock: HandClock, currency: str
) -> None:
    billing.take(counted, export(counted, 20, currency))
    _, next_month = spending.month(counted, clock.now())
    clock.advance(next_month - clock.now())
    recording.record(counted, observing.observe(counted))
    clock.advance(timedelta(hours=3))
    seen = observing.observe(counted)
    recording.record(counted, seen)
    price = billing.reconcile(counted, next_month - timedelta(days=1), next_month)[0].price
    assert price is not None
    spent = spending.spent(counted, seen, clock.now())
    assert spent["user:ada"] == pytest.approx(3 * price if currency == "usd" else 0.0)
