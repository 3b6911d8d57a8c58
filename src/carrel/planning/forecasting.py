"""Forecast: the recorded weeks come again, under the policies; how sure that is, is said."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.foresight import Halt, Outcome, Sums
from carrel.domain.records import dataclass
from carrel.planning.backtesting import Look

_WEEK = timedelta(weeks=1)
_MANY, _SOME = 4, 2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The stretch of the past that is taken to come again.

    Attributes:
        begin: Its begin.
        end: Its end.
        source: `recorded` or `logs`.
    """

    begin: datetime
    end: datetime
    source: str

    @property
    def length(self) -> timedelta:
        """How long it is: whole weeks, or whole days where less than a week is known."""
        return self.end - self.begin

    @property
    def weeks(self) -> int:
        """How many whole weeks it has."""
        return self.length // _WEEK


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be expected of one workspace.

    Attributes:
        workspace: Its `owner/name`.
        first: When it would be stopped first.
        policy: By which policy.
        reason: Its words.
        stops: How often it would be stopped.
        saved_hours: How many running hours that saves.
        saved_money: How much money; None: there is no price.
    """

    workspace: str
    first: datetime
    policy: str
    reason: str
    stops: int
    saved_hours: float
    saved_money: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected.

    Attributes:
        since: From when.
        until: Until when.
        rhythm: What it stands on.
        outcome: The future as a backtest tells it.
        workspaces: What would be stopped, the first to stop first.
        sure: `low`, `medium` or `high`.
        why: Why so sure, a sentence.
        least: The sums, if every week were like the one with the fewest hours; None: fewer than
            two weeks are known, or lie ahead.
        most: The same of the one with the most.
    """

    since: datetime
    until: datetime
    rhythm: Rhythm
    outcome: Outcome
    workspaces: tuple[Expected, ...]
    sure: str
    why: str
    least: Sums | None
    most: Sums | None


def rhythm(begin: datetime, end: datetime, source: str) -> Rhythm | None:
    """Return what of a past can come again: at most four whole weeks, else whole days."""
    known = end - begin
    weeks = min(known // _WEEK, _MANY)
    length = weeks * _WEEK if weeks else timedelta(days=known.days)
    return Rhythm(end - length, end, source) if length else None


def future(again: Callable[[], Iterable[Look]], base: Rhythm, until: datetime) -> Iterator[Look]:
    """Let a past come again and again, up to a moment.

    Args:
        again: Goes through the past anew.
        base: Which stretch of it counts.
        until: When to end.
    """
    for turn in count(1):
        offset = turn * base.length
        if base.begin + offset > until:
            return
        first = True
        for look in again():
            if look.frame.at < base.begin:
                continue
            if look.frame.at >= base.end or look.frame.at + offset > until:
                break
            yield _Shifted(look, offset, turn, first=first)
            first = False


class _Shifted:
    """A look at another time."""

    def __init__(self, look: Look, offset: timedelta, turn: int, *, first: bool) -> None:
        self._look = look
        self._offset = offset
        self._turn = turn
        self.upset = look.upset or first
        self.touched = frozenset(look.ids()) if first else look.touched

    @property
    def frame(self) -> Observation:
        seen = self._look.frame
        return replace(seen, at=seen.at + self._offset)

    def ids(self) -> Iterable[str]:
        return self._look.ids()

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        found = self._look.workspace(workspace_id)
        return None if found is None else _moved(found, self._offset, self._turn)


def _moved(one: FleetWorkspace, offset: timedelta, turn: int) -> FleetWorkspace:
    def later(at: datetime | None) -> datetime | None:
        return None if at is None else at + offset

    build = replace(
        one.build,
        build_id=f"{one.build.build_id}+{turn}",
        created_at=later(one.build.created_at),
        started_at=later(one.build.started_at),
        completed_at=later(one.build.completed_at),
        deadline=later(one.build.deadline),
        max_deadline=later(one.build.max_deadline),
    )
    return replace(
        one,
        build=build,
        activity=replace(one.activity, since=later(one.activity.since)),
        created_at=one.created_at + offset,
        last_used_at=later(one.last_used_at),
        next_start_at=later(one.next_start_at),
        dormant_at=later(one.dormant_at),
        deleting_at=later(one.deleting_at),
    )


def forecast(outcome: Outcome, base: Rhythm) -> Forecast:
    """Tell what a future means."""
    sure, why = _sure(base)
    least, most = _range(outcome, base)
    return Forecast(
        since=outcome.since,
        until=outcome.until,
        rhythm=base,
        outcome=outcome,
        workspaces=_expected(outcome.halts),
        sure=sure,
        why=why,
        least=least,
        most=most,
    )


def _expected(halts: Iterable[Halt]) -> tuple[Expected, ...]:
    mine: dict[str, list[Halt]] = {}
    for one in halts:
        mine.setdefault(one.workspace_id, []).append(one)
    found = [
        Expected(
            workspace=all_[0].workspace,
            first=all_[0].at,
            policy=all_[0].policy,
            reason=all_[0].reason,
            stops=len(all_),
            saved_hours=sum(one.hours for one in all_),
            saved_money=_money(all_),
        )
        for all_ in mine.values()
    ]
    return tuple(sorted(found, key=lambda one: (one.first, one.workspace)))


def _money(halts: Iterable[Halt]) -> float | None:
    amounts = [one.money for one in halts if one.money is not None]
    return sum(amounts) if amounts else None


def _sure(base: Rhythm) -> tuple[str, str]:
    where = "recorded" if base.source == "recorded" else "put together from the logs"
    if base.weeks >= _MANY:
        return "high", f"It stands on {base.weeks} weeks {where}."
    if base.weeks >= _SOME:
        return "medium", f"It stands on only {base.weeks} weeks {where}."
    if base.weeks:
        return "low", f"It stands on a single week {where}."
    days = base.length.days
    return (
        "low",
        f"It stands on {days} day{'s' if days > 1 else ''} {where}: no whole week is known.",
    )


def _range(outcome: Outcome, base: Rhythm) -> tuple[Sums | None, Sums | None]:
    """Return the sums, were every whole week like the least or the most of them.

    One week that comes again and again differs from nothing. What is expected lies between the
    two in any case: the days beside whole weeks may be fuller or emptier than a week is.
    """
    if base.weeks < _SOME:
        return None, None
    whole = sorted(outcome.days)[1:-1]  # of the first day and the last one only parts lie ahead
    days = [outcome.days[key] for key in whole]
    weeks = [_total(days[n : n + 7]) for n in range(0, len(days) - 6, 7)]
    length = (outcome.until - outcome.since) / _WEEK
    if len(weeks) < _SOME or not length:
        return None, None
    ranges = [outcome.sums, *(Sums().and_(one, length) for one in weeks)]
    ranges.sort(key=lambda one: one.hours - one.saved_hours)
    return ranges[0], ranges[-1]


def _total(days: Iterable[Sums]) -> Sums:
    found = Sums()
    for one in days:
        found = found.and_(one)
    return found
