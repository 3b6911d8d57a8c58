"""Rules that are never reached, and rules that meet."""

import pytest

from carrel.domain.governance.reaching import (
    Ruled,
    covers,
    lint_order,
    lint_scopes,
    unnamed,
    wasted,
)
from carrel.domain.governance.scopes import Scope
from carrel.testing.observations import observation, workspace


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        (Scope(), Scope(users=("ann",)), True),
        (Scope(users=("ann",)), Scope(), False),
        (Scope(users=("a*",)), Scope(users=("Ann", "a?*")), True),
        (Scope(users=("a*",)), Scope(users=("ann", "bob")), False),
        (Scope(users=("a?",)), Scope(users=("a*",)), False),
        (Scope(users=("a?",)), Scope(users=("a?",)), True),
        (Scope(users=("????",)), Scope(users=("[ab]",)), False),
        (Scope(users=("*",)), Scope(users=("[ab]",)), True),
        (Scope(users=("*",)), Scope(templates=("gpu",)), True),
        (Scope(groups=("*",)), Scope(templates=("gpu",)), False),
        (Scope(users=("a*",)), Scope(users=("ann",), templates=("gpu",)), True),
        (Scope(users=("a*",), templates=("gpu",)), Scope(users=("ann",)), False),
    ],
)
def test_what_covers_what(wide: Scope, narrow: Scope, *, covered: bool):
    assert covers(wide, narrow) is covered


def test_an_earlier_rule_that_fits_more_hides_a_later_one():
    found = lint_scopes("p", [Scope(users=("a*",)), Scope(users=("ann",))], None)
    assert [one.severity for one in found] == ["error"]
    assert "'users ann' is never reached: 'users a*'" in found[0].message
    assert lint_scopes("p", [Scope(users=("ann",)), Scope(users=("a*",))], None) == []


def test_what_was_seen_shows_rules_that_count_for_nothing():
    seen = observation(workspace(owner="ann", template="gpu"))
    scopes = [Scope(users=("ann",)), Scope(templates=("gpu",))]
    found = lint_scopes("p", scopes, seen)
    assert [one.severity for one in found] == ["warning"]
    assert "counts for nothing that was seen" in found[0].message


def test_rules_that_meet_are_told_where_none_is_meant_to_go_first():
    seen = observation(
        workspace(name="w1", owner="ann", owner_id="u1", template="gpu"),
        workspace(name="w2", owner="bob", owner_id="u2", template="gpu"),
    )
    one, other = Ruled("one", Scope(users=("ann",))), Ruled("two", Scope(templates=("gpu",)))
    found = lint_order("p", [one, other], seen)
    assert "overlap: both are about ann/w1" in found[0].message
    assert lint_order("p", [one, other], seen, same_rank=True) == []
    alike = Ruled("three", Scope(users=("*n*", "bob")))
    found = lint_order("p", [one, alike], seen, same_rank=True)
    assert [one.severity for one in found] == ["warning"]
    assert lint_order("p", [one, Ruled("fleet", Scope())], seen) == []


def test_patterns_that_fit_nothing():
    seen = observation(workspace(owner="ann"))
    rules = unnamed([Scope(), Scope(users=("bob",))])
    assert [one.rule for one in wasted("p", rules, seen)] == ["users bob"]
    assert [one.rule for one in lint_scopes("p", [rules[1].scope], seen)] == ["users bob"]
    assert wasted("p", rules, None) == []
