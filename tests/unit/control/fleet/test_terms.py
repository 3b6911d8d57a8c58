"""A plan is applied on the terms that it was made on, by whichever process applies it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from carrel.control.fleet import applying, deciding, governing, plans
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import ActionState, Plan, Purpose, Terms
from carrel.errors import RefusedError
from carrel.planning.deciding import Configured, overlaid
from carrel.testing.fleets import FakeFleet


def with_options(ctx: FleetContext) -> Plan:
    """Make a plan as a command does whose options put the policy `night` into force."""
    night, others = ctx.policies[0], ctx.policies[1:]

    def configure(tables: Mapping[str, Mapping[str, object]]) -> tuple[Configured, ...]:
        return (night, *others) if "night" in tables else others

    ctx.policies, ctx.configure = others, configure
    ctx.lay_over({"night": {"users": ["ada"]}})
    made = plans.store(ctx, deciding.plan(ctx, Purpose.PRUNE, force=True))
    ctx.lay_over({})
    return made


def test_terms_are_stored_with_the_plan_and_covered_by_its_hash(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("one")
    made = with_options(ctx)
    assert made.terms == Terms(forced=True, laid_over={"night": {"users": ["ada"]}})
    assert plans.get(ctx, made.plan_id).plan == made


def test_what_options_put_into_force_still_is_when_the_plan_is_applied_later(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("one")
    made = with_options(ctx)
    assert ctx.policies[0].name != "night"
    assert applying.apply(ctx, made.plan_id).count(ActionState.DONE) == 1


def test_a_policy_that_is_switched_off_meanwhile_refuses(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("one")
    made = with_options(ctx)

    def configure(tables: Mapping[str, Mapping[str, object]]) -> tuple[Configured, ...]:
        overlaid({"night": {"enabled": False}}, tables)
        raise AssertionError

    ctx.configure = configure
    with pytest.raises(RefusedError) as caught:
        applying.apply(ctx, made.plan_id)
    assert caught.value.code == "policy_switched_off"


def test_a_plan_on_other_terms_is_not_taken_for_the_same(
    ctx: FleetContext, fleet: FakeFleet
) -> None:
    fleet.add("one")
    made = plans.store(ctx, deciding.plan(ctx, Purpose.PRUNE))
    other = deciding.plan(ctx, Purpose.PRUNE, force=True)
    assert governing.standing(ctx, replace(other, terms=made.terms)) == made
    found = governing.standing(ctx, other)
    assert found is not None
    assert found.plan_id == other.plan_id
    assert plans.get(ctx, made.plan_id).count(ActionState.WAITING) == 1
