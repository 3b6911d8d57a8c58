"""What is odd in rules of quiet hours."""

from datetime import timedelta

import pytest

from carrel.domain.governance.quiet import read_rules
from carrel.domain.governance.quiet_lint import lint_quiet
from carrel.domain.governance.reading import Table
from carrel.testing.observations import observation, workspace

NIGHT = {"start": "18:00", "end": "08:00"}
HOUR = timedelta(hours=1)


def said(table, *, grace: timedelta = HOUR, blind: bool = False) -> str:
    rules = read_rules(Table("policy.quiet_hours", {"native": False, **table}))
    seen = None if blind else observation(workspace())
    return " ".join(one.message for one in lint_quiet("quiet_hours", rules, seen, grace))


@pytest.mark.parametrize(
    ("table", "grace", "expected"),
    [
        ({**NIGHT, "rule": [{"users": ["*"], **NIGHT}]}, 1, "'fleet' is never reached"),
        ({"rule": [{"users": ["a*"], **NIGHT}, {"users": ["ann"], **NIGHT}]}, 1, "never reached"),
        (NIGHT, 14, "The grace of 14 h outlasts the quiet hours of rule 'fleet' (14 h)"),
        ({**NIGHT, "rule": [{"users": ["a"], "start": "18:00", "end": "18:30"}]}, 1,
         "outlasts the quiet hours of rule 'users a' (30 min)"),
        ({"windows": [NIGHT, {"start": "07:00", "end": "09:00"}]}, 1,
         "Windows 18:00-08:00 and 07:00-09:00 of rule 'fleet' overlap"),
        ({"windows": [{**NIGHT, "days": ["sun"]}, {"start": "07:00", "end": "09:00",
                                                   "days": ["mon"]}]}, 1, "overlap"),
        ({"start": "00:00", "end": "24:00"}, 1, "never end"),
        ({"native": True}, 4, "outlasts the deployment's own quiet hours (4 h)"),
    ],
)  # fmt: skip
def test_what_the_settings_alone_show(table, grace: float, expected: str):
    assert expected in said(table, grace=grace * HOUR, blind=True)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({**NIGHT, "working_days": ["2026-01-01..2028-12-31"]}, "leave them no day"),
        ({**NIGHT, "holidays": ["2025-12-25"]}, "All holidays are over"),
        ({**NIGHT, "vacation": [{"users": ["ann"], "dates": ["2025-01-01"]}]},
         "The vacation of users ann is over"),
    ],
)  # fmt: skip
def test_what_the_calendar_shows(table, expected: str):
    assert expected in said(table)
    assert said(table, blind=True) == ""


def test_what_is_meant_is_left_alone():
    windows = [{"start": "12:00", "end": "13:00"}, {"start": "13:00", "end": "14:30"},
               {**NIGHT, "days": ["mon"]}]  # fmt: skip
    rules = [{"users": ["ann"], "windows": windows}, {"templates": ["gpu*"], **NIGHT}]
    assert said({**NIGHT, "rule": rules, "holidays": ["2025-12-25", "2030-12-25"]}) == ""
    assert said(NIGHT, grace=13 * HOUR) == "", "the deployment's own do not count here"


def test_a_day_is_over_when_it_is_so_everywhere():
    for day, over in (("2026-11-18", True), ("2026-11-19", False)):
        found = said({**NIGHT, "vacation": [{"users": ["ann"], "dates": [day]}]})
        assert ("is over" in found) is over
