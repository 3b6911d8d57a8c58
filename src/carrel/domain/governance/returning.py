"""What a connection started again right after our stop has a grace, each time twice as long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from carrel.domain.governance.saying import moment
from carrel.domain.governance.verdicts import Verdict, Wish

_GRACE = timedelta(hours=1)
_LONGEST = timedelta(days=1)


def doubled(grace: timedelta, times: int) -> timedelta:
    """Return a grace, doubled by each time that something came back; a day at most."""
    return min(grace * (1 << min(times, 16)), _LONGEST)


def with_grace(verdict: Verdict, returns: tuple[datetime, ...], at: datetime) -> Verdict:
    """Put off a stop that a connection would only undo again.

    Args:
        verdict: What a policy says that knows no grace.
        returns: When connections restarted the workspace right after a stop of ours, oldest first.
        at: The moment that is decided for.
    """
    if not returns or verdict.wish not in {Wish.STOP, Wish.SLEEP}:
        return verdict
    due = returns[-1] + doubled(_GRACE, len(returns) - 1)
    if verdict.due is not None and verdict.due >= due:
        return verdict
    times = "once" if len(returns) == 1 else f"{len(returns)} times"
    why = (
        f"{verdict.reason} A connection started it again {times} right after a stop, so it has a"
        f" grace until {moment(due, UTC)}."
    )
    until = verdict.until if due <= at else min(due, verdict.until or due)
    return replace(verdict, reason=why, due=due, until=until)
