"""Requests a minute and path: as many as may be, whoever counts them."""

from datetime import timedelta

import pytest

from carrel.backends.coder.throttle import Throttle
from carrel.testing.clocks import HandClock


def sent_within(clock: HandClock, throttle: Throttle, span: timedelta, path: str = "/a") -> int:
    """Return how many requests get through before a span has passed."""
    end, count = clock.now() + span, 0
    while True:
        throttle.take(path)
        if clock.now() >= end:
            return count
        count += 1


@pytest.mark.parametrize("per_minute", [1, 5, 29, 30, 31, 100])
def test_no_more_go_out_in_a_minute_than_may(per_minute: int) -> None:
    clock = HandClock()
    assert sent_within(clock, Throttle(clock, per_minute), timedelta(minutes=1)) == per_minute


def test_each_path_is_counted_by_itself() -> None:
    clock = HandClock()
    throttle = Throttle(clock, 40)
    assert sent_within(clock, throttle, timedelta(minutes=1), "/a") == 40
    before = clock.now()
    for _ in range(40):
        throttle.take("/b")
    assert clock.now() == before


def test_what_was_sent_long_ago_counts_no_more() -> None:
    clock = HandClock()
    throttle = Throttle(clock, 30)
    for _ in range(30):
        throttle.take("/a")
    clock.wait(61)
    before = clock.now()
    for _ in range(30):
        throttle.take("/a")
    assert clock.now() == before


def test_without_a_limit_nothing_waits() -> None:
    clock = HandClock()
    throttle, before = Throttle(clock, 0), clock.now()
    for _ in range(200):
        throttle.take("/a")
    assert clock.now() == before


def test_a_path_is_held_as_long_as_was_asked_for() -> None:
    clock = HandClock()
    throttle, before = Throttle(clock, 0), clock.now()
    throttle.hold("/a", 7)
    throttle.take("/a")
    assert clock.now() - before == timedelta(seconds=7)


def test_a_shorter_hold_does_not_end_a_longer_one() -> None:
    clock = HandClock()
    throttle, before = Throttle(clock, 0), clock.now()
    throttle.hold("/a", 7)
    throttle.hold("/a", 1)
    throttle.take("/a")
    assert clock.now() - before == timedelta(seconds=7)
