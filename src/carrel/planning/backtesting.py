"""Backtest: policies judge a recorded past, and what they would have stopped stays stopped.

Only workspaces that moved, and those whose answer was to change by then, are judged anew: a month
of a large fleet is gone through in less than a minute. A stop changes what follows: the workspace
is off until its recorded end, or until somebody came back and would have started it again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from operator import attrgetter
from typing import Protocol

from carrel.domain.fleet.cells import AT_WORK
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.workspaces import Build, FleetWorkspace, Work
from carrel.domain.governance.flapping import SOON
from carrel.domain.governance.foresight import Halt, Met, Outcome
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Situation, Verdict, Wish, use_only_spares
from carrel.domain.records import dataclass
from carrel.planning.counting import Counter, hours_of
from carrel.planning.deciding import Configured
from carrel.planning.judging import Judge, Said, stops
from carrel.planning.metering import Meter
from carrel.planning.precedence import Decision

Price = Callable[[FleetWorkspace], float | None]

_FLAPPING = timedelta(hours=24)
_SOMETIMES = timedelta(hours=1)
_UNSEEN = timedelta(minutes=30)
"""Between two looks that lie further apart, nobody looked."""
_MET = {Work.CONNECTED: Met.CONNECTED, Work.WORKING: Met.WORKING, Work.UNKNOWN: Met.UNKNOWN}


class Look(Protocol):
    """A fleet at one moment after the other; the same thing each time, moved on."""

    @property
    def frame(self) -> Observation:
        """What is seen, without its workspaces."""
        ...

    @property
    def touched(self) -> frozenset[str]:
        """Ids of the workspaces that changed since the look before."""
        ...

    @property
    def upset(self) -> bool:
        """Whether anything else changed that workspaces are judged by."""
        ...

    def ids(self) -> Iterable[str]:
        """Return the ids of all workspaces."""
        ...

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        """Return one workspace; None: there is none any more."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What a past is held against.

    Attributes:
        policies: Those in force, with their settings.
        safety: The limits.
        since: From when on it is judged.
        price: Money for a running hour.
        keeps: Every keep-alive lease, ended ones too.
        month: Begin and end of the month of a moment, where a budget is in force.
    """

    policies: tuple[Configured, ...]
    safety: Safety
    since: datetime
    price: Price
    keeps: tuple[KeepAlive, ...] = ()
    month: Callable[[datetime], tuple[datetime, datetime]] | None = None


def backtest(looks: Iterable[Look], terms: Terms) -> Outcome:
    """Go through a past; the same past and terms give the same outcome."""
    run = _Backtest(terms)
    for look in looks:
        run.step(look)
    return run.outcome()


@dataclass(slots=True)
class _Run:
    """A workspace from its start to its stop, as it was recorded.

    Attributes:
        workspace: As it was seen last.
        price: Money for an hour.
        since: Up to here its hours are counted.
        halted: The stop that would have been, while it would still be off.
        restarted: When somebody who came back would have started it again.
        again: When it is judged anew, even if nothing moves.
        anew: Its build as it was seen last, and as it would be since it was restarted.
        said: What was said of it last; empty: something changed since.
        kept: It was kept from a stop when it was judged last.
    """

    workspace: FleetWorkspace
    price: float | None
    since: datetime
    halted: "_Halted | None" = None
    restarted: datetime | None = None
    again: datetime | None = None
    anew: tuple[Build, Build] | None = None
    said: Said = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class _Halted:
    at: datetime
    verdict: Verdict
    met: Met


@dataclass(slots=True)
class _Backtest:
    terms: Terms
    runs: dict[str, _Run] = field(default_factory=dict[str, _Run])
    halts: list[Halt] = field(default_factory=list[Halt])
    agenda: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    flaps: dict[str, tuple[datetime, ...]] = field(default_factory=dict[str, tuple[datetime, ...]])
    counter: Counter = field(default_factory=Counter)
    meter: Meter | None = None
    began: datetime | None = None
    last: datetime | None = None
    steps: int = 0
    off: int = 0
    forget_at: datetime | None = None
    unseen: float = 0.0
    gaps: dict[str, None] = field(default_factory=dict[str, None])
    use_only_spares: bool = False

    def __post_init__(self) -> None:
        """Learn whether whoever begins to work can wait for the next moment that was named."""
        acting = [one.policy for one in self.terms.policies if not one.only_keeps]
        self.use_only_spares = all(use_only_spares(one) for one in acting)

    def step(self, look: Look) -> None:
        """Go on by one look."""
        at = look.frame.at
        before = self.last
        if before is not None and at - before > _UNSEEN:
            self.unseen += (at - before).total_seconds()
        moved = [key for key in look.touched if self._moved(look, key, at)]
        self.last = at
        if at < self.terms.since:
            return
        self._begin(at)
        self.steps += 1
        self.gaps |= dict.fromkeys(f"{gap.what}: {gap.why}" for gap in look.frame.gaps)
        todo = set(self.runs) if look.upset or self.steps == 1 else set(moved)
        todo |= self._due(at)
        todo = {key for key in todo if (run := self.runs.get(key)) and run.halted is None}
        if todo:
            self._judge(look, sorted(todo), at, before)

    def outcome(self) -> Outcome:
        """End everything that still runs, and tell."""
        at = self.last or self.terms.since
        for key in sorted(self.runs):
            self._close(self.runs[key], at)
        return Outcome(
            since=self.began or self.terms.since,
            until=at,
            steps=self.steps,
            halts=tuple(sorted(self.halts, key=lambda one: (one.at, one.workspace_id))),
            sums=self.counter.sums,
            days=dict(sorted(self.counter.days.items())),
            unpriced=tuple(sorted(self.counter.unpriced)),
            unseen=self.unseen,
            gaps=tuple(self.gaps),
        )

    def _begin(self, at: datetime) -> None:
        """What ran before the time that is asked for does not count."""
        if self.began is not None:
            return
        self.began, self.unseen = at, 0.0
        for run in self.runs.values():
            run.since = at
        if self.terms.month is not None:
            self.meter = Meter(self.terms.month)
            for run in self.runs.values():
                self.meter.on(run.workspace, run.price, at)

    def _moved(self, look: Look, key: str, at: datetime) -> bool:
        """Take what a look tells of a workspace; tell whether it may have to be judged."""
        workspace, run = look.workspace(key), self.runs.get(key)
        if run is not None and (workspace is None or _another(run.workspace, workspace)):
            self._end(key, run, _ended(workspace, at, self.last))
            run = None
        if workspace is None or not workspace.on:
            return False
        if run is None:
            self._start(key, workspace, at)
            return True
        busier = self.use_only_spares and not run.kept and _busier(run.workspace, workspace)
        run.workspace, run.said = workspace, ()
        if run.halted is not None:
            if not _came_back(workspace, run.halted.at):
                return False
            self._restart(key, run, run.halted, at)
            return True
        return not busier

    def _start(self, key: str, workspace: FleetWorkspace, at: datetime) -> None:
        began = workspace.on_since
        since = at if began is None or self.last is None else min(at, max(began, self.last))
        self.runs[key] = run = _Run(workspace, self.terms.price(workspace), since)
        if self.meter is not None:
            self.meter.on(workspace, run.price, since)

    def _end(self, key: str, run: _Run, at: datetime) -> None:
        self._close(run, at)
        del self.runs[key]

    def _close(self, run: _Run, at: datetime) -> None:
        if run.halted is not None:
            self._settle(run, run.halted, at)
        elif self.began is not None:
            self._count(run, at, saved=False)
            if self.meter is not None:
                self.meter.off(run.workspace, run.price, at)

    def _restart(self, key: str, run: _Run, halted: _Halted, at: datetime) -> None:
        """Somebody who comes to work would have to start it again."""
        met = halted.met if halted.met.hit else Met.CAME_BACK
        self._settle(run, replace(halted, met=met), at, at)
        run.halted, run.restarted, run.anew = None, at, None
        if at - halted.at <= SOON:
            self.flaps[key] = (*self.flaps.get(key, ()), at)
        if self.meter is not None:
            self.meter.on(run.workspace, run.price, at)

    def _settle(
        self, run: _Run, halted: _Halted, at: datetime, came: datetime | None = None
    ) -> None:
        self.off -= 1
        hours = hours_of(at - halted.at)
        self._count(run, at, saved=True)
        workspace, price = run.workspace, run.price
        self.halts.append(
            Halt(
                workspace_id=workspace.workspace_id,
                workspace=workspace.full_name,
                owner=workspace.owner,
                template=workspace.template,
                at=halted.at,
                policy=halted.verdict.policy,
                reason=halted.verdict.reason,
                met=halted.met,
                met_at=came,
                until=at,
                hours=hours,
                money=None if price is None else hours * price,
            )
        )

    def _count(self, run: _Run, at: datetime, *, saved: bool) -> None:
        self.counter.count(run.workspace.template, run.price, (run.since, at), saved=saved)
        run.since = max(run.since, at)

    # --- judging -----------------------------------------------------------------------------

    def _judge(
        self, look: Look, keys: Sequence[str], at: datetime, before: datetime | None
    ) -> None:
        judge = Judge(self.terms.policies, self._situation(look.frame, at))
        wanted: list[tuple[Decision, str]] = []
        for key in keys:
            run = self.runs[key]
            workspace = _as_it_would_be(run, at)
            known = () if look.upset or self.meter is not None else run.said
            run.said = judge.ask(workspace, known)
            decision = judge.decide(workspace, run.said)
            run.kept = decision.wish is Wish.KEEP
            if stops(decision, at):
                wanted.append((decision, key))
                continue
            again = _again(decision, at)
            if self.meter is not None:  # what is spent grows from moment to moment
                again = at + _SOMETIMES if again is None else min(again, at + _SOMETIMES)
            self._later(key, again)
        for decision, key in self._allowed(wanted, at, before):
            self._halt(key, decision, at)

    def _later(self, key: str, at: datetime | None) -> None:
        """Judge a workspace at a moment, unless it is judged before for another reason."""
        run = self.runs[key]
        if at != run.again:
            run.again = at
            if at is not None:
                heappush(self.agenda, (at, key))

    def _due(self, at: datetime) -> set[str]:
        """Take off the agenda what is due; an entry that a later judgement replaced is void."""
        due: set[str] = set()
        while self.agenda and self.agenda[0][0] <= at:
            when, key = heappop(self.agenda)
            run = self.runs.get(key)
            if run is not None and run.again == when:
                run.again = None
                due.add(key)
        return due

    def _situation(self, frame: Observation, at: datetime) -> Situation:
        keeps: dict[str, tuple[KeepAlive, ...]] = {}
        for one in self.terms.keeps:
            if one.at <= at < one.until:
                keeps[one.workspace_id] = (*keeps.get(one.workspace_id, ()), one)
        if self.forget_at is None or at >= self.forget_at:
            self.forget_at = at + _SOMETIMES
            self.flaps = {
                key: seen
                for key, known in self.flaps.items()
                if (seen := tuple(one for one in known if at - one <= _FLAPPING))
            }
        spent: Mapping[str, float] = {}
        if self.meter is not None:
            spent = self.meter.at(at, frame)
        return Situation(at=at, observation=frame, keeps=keeps, spent=spent, flaps=self.flaps)

    def _allowed(
        self, wanted: list[tuple[Decision, str]], at: datetime, before: datetime | None
    ) -> list[tuple[Decision, str]]:
        """Keep to the limits: the others have their turn at the next look, longest idle first."""
        if not wanted:
            return []
        wanted.sort(key=lambda one: _rank(one[0]))
        running = len(self.runs) - self.off
        minutes = max(1.0, (at - before) / timedelta(minutes=1)) if before else 1.0
        pace = int(self.terms.safety.max_stops_per_minute * minutes)
        most = min(self.terms.safety.cap(running), max(1, pace))
        for _, key in wanted[most:]:
            self._later(key, at)
        return wanted[:most]

    def _halt(self, key: str, decision: Decision, at: datetime) -> None:
        run, verdict = self.runs[key], decision.winner
        if verdict is None:
            return
        self._count(run, at, saved=False)
        met = _MET.get(run.workspace.activity.work, Met.NOBODY)
        run.halted = _Halted(at, verdict, met)
        self.off += 1
        if self.meter is not None:
            self.meter.off(run.workspace, run.price, at)


def _busier(old: FleetWorkspace, new: FleetWorkspace) -> bool:
    """Tell whether nothing changed but that somebody works in it."""
    return new.activity.work in AT_WORK and _BUT_USE(old) == _BUT_USE(new)


def _another(old: FleetWorkspace, new: FleetWorkspace) -> bool:
    return not new.on or old.build.build_id != new.build.build_id


def _came_back(workspace: FleetWorkspace, stopped: datetime) -> bool:
    """Tell whether somebody began to work after a moment; who had gone on before did not."""
    since = workspace.activity.since
    return workspace.activity.work in AT_WORK and since is not None and since > stopped


def _ended(workspace: FleetWorkspace | None, at: datetime, last: datetime | None) -> datetime:
    """Return when a run ended: as the build says that ended it, within what was not seen."""
    told = workspace.build.created_at if workspace is not None else None
    if told is None or last is None:
        return at
    return min(at, max(told, last))


def _as_it_would_be(run: _Run, at: datetime) -> FleetWorkspace:
    """Return a workspace as it would be by now, had somebody started it again."""
    workspace, since = run.workspace, run.restarted
    used = at if workspace.activity.work in AT_WORK else workspace.last_used_at
    if since is not None:
        if run.anew is None or run.anew[0] is not workspace.build:
            run.anew = (workspace.build, _begun_anew(workspace, since))
        return _used(workspace, run.anew[1], used)
    return workspace if used == workspace.last_used_at else _used(workspace, workspace.build, used)


def _used(workspace: FleetWorkspace, build: Build, at: datetime | None) -> FleetWorkspace:
    """Return a workspace with another build and last use: `replace` takes three times as long."""
    values = list(_VALUES(workspace))
    values[_BUILD], values[_USED] = build, at
    return FleetWorkspace(*values)


_NAMES = [one.name for one in fields(FleetWorkspace)]
_VALUES = attrgetter(*_NAMES)
_BUT_USE = attrgetter(*(one for one in _NAMES if one not in {"activity", "last_used_at"}))
_BUILD, _USED = _NAMES.index("build"), _NAMES.index("last_used_at")


def _begun_anew(workspace: FleetWorkspace, since: datetime) -> Build:
    build = workspace.build
    length = (build.deadline - (workspace.on_since or since)) if build.deadline else None
    ends = since + length if length is not None else None
    if ends is not None and build.max_deadline is not None:
        ends = min(ends, build.max_deadline)
    return replace(build, created_at=since, started_at=since, completed_at=since, deadline=ends)


def _again(decision: Decision, at: datetime) -> datetime | None:
    """Return when a decision is worth another look."""
    first = decision.winner.due if decision.winner is not None else None
    for one in decision.verdicts:
        until = one.until
        if until is not None and (first is None or until < first):
            first = until
    return None if first is None else max(at, first)


def _rank(decision: Decision) -> tuple[datetime, datetime, str]:
    workspace = decision.workspace
    active = workspace.activity.work.active
    idle = workspace.last_used_at if active else workspace.activity.since
    due = decision.winner.due if decision.winner is not None else None
    first = datetime.min.replace(tzinfo=UTC)
    return (due or first, idle or workspace.created_at, workspace.workspace_id)
