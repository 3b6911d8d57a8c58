"""The second look at a plan: a planner that is wrong does not get past it."""

from dataclasses import replace

import pytest

from carrel.domain.governance.plans import Deed, Plan, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Verdict, Wish
from carrel.planning.planner import Order, make
from carrel.planning.precedence import Decision, settle
from carrel.planning.safety import check_plan
from carrel.testing.observations import NOW, observation, workspace

FIRST, SECOND = workspace(workspace_id="w1", name="one"), workspace(workspace_id="w2", name="two")


def decided(**wishes: Wish) -> list[Decision]:
    known = {"w1": FIRST, "w2": SECOND}
    return [
        settle(known[name], (Verdict("test", wish, "Says the test."),))
        for name, wish in wishes.items()
    ]


def planned(decisions: list[Decision]) -> Plan:
    seen = observation(FIRST, SECOND)
    return make(decisions, seen, Order(Purpose.GOVERN, NOW, "me"), Safety(max_percent=100))


def test_what_the_planner_makes_is_safe():
    decisions = decided(w1=Wish.STOP, w2=Wish.KEEP)
    made = planned(decisions)
    assert [one.workspace_id for one in made.actions] == ["w1"]
    assert check_plan(made, decisions) == ()


@pytest.mark.parametrize(
    ("spoilt", "word"),
    [
        ({"workspace_id": "w2", "workspace": "ada/two"}, "ada/two is to be kept"),
        ({"workspace_id": "w2", "deed": Deed.MAKE_DORMANT}, "is to be kept"),
        ({"workspace_id": "w3"}, "nothing was decided"),
        ({"owner_id": "somebody"}, "belongs to somebody else"),
        ({"deed": Deed.DELETE}, "by a plan that is not for it"),
    ],
)
def test_an_action_that_contradicts_what_was_decided_is_found(spoilt: dict[str, str], word: str):
    decisions = decided(w1=Wish.STOP, w2=Wish.KEEP)
    made = planned(decisions)
    wrong = replace(made, actions=(replace(made.actions[0], **spoilt),))
    assert any(word in told for told in check_plan(wrong, decisions))


def test_a_second_stop_of_the_same_workspace_is_found():
    decisions = decided(w1=Wish.STOP)
    made = planned(decisions)
    twice = replace(made, actions=(*made.actions, *made.actions))
    assert "twice" in check_plan(twice, decisions)[0]


def test_what_is_kept_is_not_even_corrected():
    decisions = decided(w1=Wish.STOP, w2=Wish.KEEP)
    made = planned(decisions)
    setting = replace(made.actions[0], deed=Deed.SET_TTL)
    assert check_plan(replace(made, actions=(setting,)), decisions) == ()
    kept = replace(setting, workspace_id="w2", workspace="ada/two")
    assert check_plan(replace(made, actions=(kept,)), decisions) == ("ada/two is to be kept.",)
