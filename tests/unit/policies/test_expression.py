"""Rules of one's own: checked when read; anything but TRUE does nothing."""

from datetime import timedelta

import pytest

from carrel.domain.fleet.observation import Gap
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.errors import BadInputError
from carrel.policies.expression import FACTS, POLICY
from carrel.testing.observations import NOW, observation, workspace

pytest.importorskip("cel_expr_python")


def judge(*rules: dict[str, object], one=None, **seen) -> Verdict:
    one = one or workspace()
    settings = POLICY.read({"rule": list(rules)})
    return POLICY.prepare(settings, Situation(NOW, observation(one, **seen)))(one)


@pytest.mark.parametrize(
    ("when", "stops"),
    [
        ("idle_minutes > 59", True),
        ("idle_minutes > 60", False),
        ("owner == 'ann' && 'devs' in groups", True),
        ("template.startsWith('py') && running_minutes == 180", True),
        ("at.getHours('Europe/Berlin') == 23", True),
        ("at.getHours('Mars/Olympus') == 23", False),
        ("at - last_used_at > duration('30m')", True),
        ("deadline < at", False),  # it has none
        ("ttl_minutes < 10", False),
        ("1 / 0 == 1 || false", False),
        ("owner == 'deadline'", False),
        ("!prebuild && activity == 'idle' && task == 'none'", True),
    ],
)
def test_only_true_stops(when: str, stops: bool):
    assert (judge({"when": when}).wish is Wish.STOP) == stops


@pytest.mark.parametrize(("wish", "put_off"), [("stop", True), ("sleep", True), ("keep", False)])
def test_what_a_connection_started_again_has_a_grace(wish: str, put_off: bool):
    settings = POLICY.read({"rule": [{"when": "template == 'python'", "wish": wish}]})
    one, again = workspace(), NOW - timedelta(minutes=50)
    now = Situation(NOW, observation(one), flaps={one.workspace_id: (again,)})
    found = POLICY.prepare(settings, now)(one)
    assert found.due == (again + timedelta(hours=1) if put_off else None)


def test_every_fact_can_be_named():
    for name, (kind, _) in FACTS.items():
        POLICY.read({"rule": [{"when": f"{name} == {name}"}]})
        assert kind in {"STRING", "STRINGS", "BOOL", "INT", "TIMESTAMP"}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("idle_minuts > 3", "idle_minuts"),
        ("idle_minutes > 'x'", "no matching overload"),
        ("idle_minutes", "not true or false"),
        ("idle_minutes >", "Syntax error"),
        ("", "no expression"),
    ],
)
def test_what_can_not_be_checked_is_refused(when: str, said: str):
    with pytest.raises(BadInputError) as refused:
        POLICY.read({"rule": [{"when": when}]})
    assert refused.value.code == "bad_policy"
    assert said in str(refused.value)


def test_a_rule_to_keep_goes_first_and_keeps_in_doubt():
    stop = {"name": "stop", "when": "true"}
    keep = {"name": "keep", "when": "owner == 'ann'", "wish": "keep", "reason": "demo day"}
    assert judge(stop, keep).wish is Wish.KEEP
    assert "demo day" in judge(stop, keep).reason
    doubt = {**keep, "when": "deadline > at"}
    assert judge(doubt).wish is Wish.KEEP
    assert judge(doubt).category == "withheld"
    assert judge(stop, {**keep, "users": ["bob"]}).wish is Wish.STOP


def test_groups_that_can_not_be_seen_withhold_a_rule_that_names_them():
    gaps = (Gap("groups", "no permission"),)
    assert judge({"when": "!('oncall' in groups)"}, gaps=gaps).category == "withheld"
    assert judge({"when": "true", "groups": ["devs"]}, gaps=gaps).category == "withheld"
    assert judge({"when": "idle_minutes > 1"}, gaps=gaps).wish is Wish.STOP


def test_a_rule_on_time_may_change_soon_and_another_not():
    assert judge({"when": "idle_minutes > 5"}).until > NOW
    assert judge({"when": "owner == 'ann'"}).until is None


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"when": "1 == 1"}], "looks at nothing of a workspace"),
        ([{"when": "dormant"}, {"when": "dormant", "users": ["ann"]}], "never reached"),
        ([{"when": "dormant", "users": ["ann"]}, {"when": "dormant"}], ""),
    ],
)
def test_lint(rules: list[dict[str, object]], said: str):
    found = POLICY.check(POLICY.read({"rule": rules}), None)
    assert [said in one.message for one in found] == ([True] if said else [])
