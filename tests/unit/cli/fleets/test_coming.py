"""Moments to come, as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from carrel.cli.fleets.moments import coming
from carrel.errors import BadInputError

NOW = datetime(2026, 11, 23, 19, 30, tzinfo=UTC)


def test_a_span_counts_from_now() -> None:
    assert coming("+90m", NOW) == NOW + timedelta(minutes=90)
    assert coming("+8", NOW) == NOW + timedelta(hours=8)


def test_a_time_of_day_is_when_it_is_so_next() -> None:
    here = NOW.astimezone()
    later, earlier = here + timedelta(hours=1), here - timedelta(hours=1)
    assert coming(f"{later:%H:%M}", NOW) == NOW + timedelta(hours=1)
    assert coming(f"{earlier:%H:%M}", NOW) == NOW + timedelta(hours=23)


def test_anything_else_is_a_moment() -> None:
    assert coming("2026-11-24T01:00+00:00", NOW) == datetime(2026, 11, 24, 1, tzinfo=UTC)
    with pytest.raises(BadInputError):
        coming("25:00", NOW)
