"""Until when plans may be forgotten: as wanted, and never before nobody needs them any more."""

from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.governance.forgetting import SHOWN, Ages, ages

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = timedelta(0)


def test_plans_are_kept_as_long_as_wanted_and_what_was_only_shown_for_a_week() -> None:
    assert ages(NOON, 90 * DAY, DAY) == Ages(NOON - 90 * DAY, NOON - SHOWN)
    assert ages(NOON, 3 * DAY, DAY) == Ages(NOON - 3 * DAY, NOON - 3 * DAY)


@pytest.mark.parametrize("wanted", [NOTHING, DAY, 2 * DAY])
def test_none_is_forgotten_while_it_can_be_undone(wanted: timedelta) -> None:
    assert ages(NOON, wanted, 30 * DAY) == Ages(NOON - 30 * DAY, NOON - SHOWN)


def test_none_is_forgotten_while_its_stops_are_counted() -> None:
    assert ages(NOON, NOTHING, HOUR) == Ages(NOON - DAY, NOON - DAY)


@pytest.mark.parametrize("later", [NOTHING, HOUR, 12 * HOUR - timedelta(microseconds=1)])
def test_the_ages_move_twice_a_day(later: timedelta) -> None:
    assert ages(NOON + later, 90 * DAY, DAY) == ages(NOON, 90 * DAY, DAY)
    assert ages(NOON + 12 * HOUR, 90 * DAY, DAY).over == NOON + 12 * HOUR - 90 * DAY


def test_for_ever_is_long_enough() -> None:
    assert ages(NOON, timedelta.max, DAY).over == datetime.min.replace(tzinfo=UTC)
