"""How a workspace stands with its quiet hours, when other policies have a say, too."""

from datetime import timedelta

import pytest

from carrel.control.fleet.quieting import POLICY, in_grace, standing
from carrel.domain.governance.verdicts import WITHHELD, Verdict, Wish
from carrel.planning.precedence import settle
from carrel.testing.observations import NOW, workspace

HOUR = timedelta(hours=1)

NORMAL = Verdict(POLICY, Wish.NOTHING, "It is day.", category="normal")
STOPS = Verdict(POLICY, Wish.STOP, "It is night.", category="stopping_now")
EXCLUDED = Verdict("exclusions", Wish.KEEP, "She is on call.", category="excluded")
SNOOZED = Verdict("keep_alive", Wish.KEEP, "A demo.", category="kept")
UNSEEN = Verdict("working", Wish.KEEP, "Tasks can't be seen.", category=WITHHELD)


@pytest.mark.parametrize(
    ("verdicts", "category", "reason"),
    [
        ((STOPS,), "stopping_now", "It is night."),
        ((STOPS, EXCLUDED), "excluded", "She is on call."),
        ((NORMAL, EXCLUDED), "excluded", "She is on call."),
        ((STOPS, SNOOZED), "excluded", "A demo."),
        ((NORMAL, SNOOZED), "normal", "It is day."),
        ((STOPS, UNSEEN), "withheld", "Tasks can't be seen."),
        ((NORMAL, UNSEEN), "withheld", "Tasks can't be seen."),
        ((SNOOZED,), "", "The policy 'quiet_hours' is not in force."),
    ],
)
def test_who_keeps_it_is_told_where_it_matters(
    verdicts: tuple[Verdict, ...], category: str, reason: str
) -> None:
    found = standing(settle(workspace(), verdicts))
    assert (found.category, found.reason) == (category, reason)


def test_of_those_in_their_grace_the_first_to_leave_it_is_told() -> None:
    graces = [
        Verdict(POLICY, Wish.STOP, "It is night.", category="in_grace", due=NOW + n * HOUR)
        for n in (2, 1, 3)
    ]
    decided = [(one,) for one in graces] + [(STOPS,), (NORMAL,), (graces[1], EXCLUDED)]
    found = in_grace([settle(workspace(), verdicts) for verdicts in decided])
    assert found == (3, NOW + HOUR)
    assert in_grace([settle(workspace(), (STOPS,))]) == (0, None)
