"""Rules of merging from options."""

import pytest

from carrel.cli.rules import chosen
from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy
from carrel.errors import BadInputError

SETTINGS = Rules(
    default=Strategy.PARENT,
    globs=(("*.lock", Strategy.CHILD),),
    kinds={ConflictKind.BINARY: Strategy.FAIL},
    tie=Side.PARENT,
)


def test_without_options_the_settings_hold() -> None:
    assert chosen(SETTINGS, None, [], [], None) is None


def test_a_named_strategy_holds_for_everything() -> None:
    rules = chosen(SETTINGS, Strategy.CHILD, [], [], None)
    assert rules == Rules(default=Strategy.CHILD, tie=Side.PARENT)


def test_rules_go_before_the_settings_in_their_order() -> None:
    rules = chosen(SETTINGS, None, ["docs/**=union", "a=b=fail"], ["modify/delete=child"], None)
    assert rules is not None
    assert rules.globs == (
        ("docs/**", Strategy.UNION),
        ("a=b", Strategy.FAIL),
        ("*.lock", Strategy.CHILD),
    )
    assert rules.kinds == {
        ConflictKind.BINARY: Strategy.FAIL,
        ConflictKind.MODIFY_DELETE: Strategy.CHILD,
    }
    assert rules.default is Strategy.PARENT


def test_a_tie_alone_keeps_the_rest() -> None:
    rules = chosen(SETTINGS, None, [], [], Side.CHILD)
    assert rules is not None
    assert (rules.tie, rules.globs) == (Side.CHILD, SETTINGS.globs)


@pytest.mark.parametrize("rule", ["docs", "=union", "docs=", "docs=magic"])
def test_a_wrong_rule_is_named(rule: str) -> None:
    with pytest.raises(BadInputError) as raised:
        chosen(SETTINGS, None, [rule], [], None)
    assert raised.value.code == "bad_rule"
    assert raised.value.cure
