"""A past put together from what a backend remembers: its audit log and its connection log.

It is coarser than a recording: deadlines and AI tasks of the past are not in the logs. What is not
known is taken for the safe side: a task's workspace counts as at work, and so does everything
where connections can't be seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.reports.running import Turn
from carrel.domain.fleet.workspaces import (
    Activity,
    Build,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)
from carrel.domain.records import dataclass

STEP = timedelta(minutes=5)
_BEFORE = timedelta(days=1)
"""What ran when a log begins is taken to have run for so long."""
_UNSEEN = Gap("connections", "The past's connections can't be seen.")


@dataclass(frozen=True, slots=True)
class Logs:
    """What a backend remembers.

    Attributes:
        seen: The fleet as it is now.
        deleted: Workspaces that are gone, as far as it remembers them.
        turns: When workspaces were turned on and off, by id, or by name where ids are lacking.
        connections: Who was connected when; None: that can't be seen.
    """

    seen: Observation
    deleted: tuple[FleetWorkspace, ...]
    turns: Mapping[str, Sequence[Turn]]
    connections: Sequence[Connection] | None


@dataclass(slots=True)
class _Moving:
    """A workspace at one moment of the past."""

    workspace: FleetWorkspace
    since: datetime
    number: int = 0
    on: bool = False
    gone: bool = False
    opened: dict[str, Connection] = field(default_factory=dict[str, Connection])
    used: datetime | None = None


class Reconstruction:
    """Moves on in steps; a look at each.

    Args:
        logs: What is remembered.
        since: From when on.
        until: Until when.
    """

    def __init__(self, logs: Logs, since: datetime, until: datetime) -> None:
        self.touched: frozenset[str] = frozenset()
        self.upset = True
        self._until = until
        self._blind = logs.connections is None
        gaps = (_UNSEEN,) if self._blind else ()
        self._frame = replace(logs.seen, at=since, workspaces=(), gaps=gaps)
        self._agenda: list[tuple[datetime, int, str, Turn | Connection]] = []
        self._spaces = {
            one.workspace_id: self._placed(one, logs, since)
            for one in (*logs.deleted, *logs.seen.workspaces)
        }
        self._plan_connections(logs.connections or (), since)
        self._agenda.sort(key=lambda one: one[:3])

    @property
    def frame(self) -> Observation:
        """What is seen, without its workspaces."""
        return self._frame

    def looks(self) -> Iterator["Reconstruction"]:
        """Go on step by step; it is this one each time."""
        at, next_ = self._frame.at, 0
        self.touched = frozenset(self._spaces)
        while at <= self._until:
            moved: set[str] = set()
            while next_ < len(self._agenda) and self._agenda[next_][0] <= at:
                when, turn, key, what = self._agenda[next_]
                self._move(self._spaces[key], when, what, opens=bool(turn))
                moved.add(key)
                next_ += 1
            self.touched |= moved
            self._frame = replace(self._frame, at=at)
            yield self
            self.touched, self.upset = frozenset(), False
            at += STEP

    def ids(self) -> Iterable[str]:
        """Return the ids of all workspaces."""
        return self._spaces.keys()

    def workspace(self, workspace_id: str) -> FleetWorkspace | None:
        """Return one workspace as it was; None: it was not there."""
        one = self._spaces[workspace_id]
        if one.gone or one.workspace.created_at > self._frame.at:
            return None
        dormant = one.workspace.dormant_at
        return replace(
            one.workspace,
            build=_build(one),
            activity=self._activity(one),
            last_used_at=one.used or one.since,
            dormant_at=dormant if dormant is not None and dormant <= self._frame.at else None,
            task=TaskStatus.UNKNOWN if one.workspace.task_id else TaskStatus.NONE,
            next_start_at=None,
        )

    def _placed(self, one: FleetWorkspace, logs: Logs, since: datetime) -> _Moving:
        turns = logs.turns.get(one.workspace_id) or logs.turns.get(one.full_name, ())
        later = [turn for turn in turns if turn.at > since]
        known = next((turn for turn in reversed(turns) if turn.at <= since), None)
        started, begin = one.on_since, max(one.created_at, since - _BEFORE)
        if known is not None:
            on, begin = known.on, known.at
        elif later:  # what is stopped first ran before; since when is not known
            on = not (later[0].on or later[0].last) and one.created_at <= since
        else:
            on = started is not None and started <= since
            begin = started if started is not None and on else begin
            if started is not None and not on:
                later = [Turn(started, on=True, last=False, workspace_id="", name="")]
        key = one.workspace_id
        self._agenda += [(turn.at, 0, key, turn) for turn in later]
        return _Moving(one, begin, on=on)

    def _plan_connections(self, found: Iterable[Connection], since: datetime) -> None:
        for one in found:
            if one.workspace_id not in self._spaces:
                continue
            key, ended = one.workspace_id, one.disconnected_at
            if ended is None or ended > since:
                self._agenda.append((max(one.connected_at, since), 1, key, one))
            if ended is not None:  # what ended before tells when it was used last
                self._agenda.append((ended, 0, key, one))

    def _move(self, one: _Moving, at: datetime, what: "Turn | Connection", *, opens: bool) -> None:
        if isinstance(what, Turn):
            one.on, one.gone, one.since = what.on, what.last, at
            one.number += 1
            one.opened.clear()
        elif opens:
            one.opened[what.connection_id] = what
            one.used = at
        else:
            one.opened.pop(what.connection_id, None)
            one.used = at

    def _activity(self, one: _Moving) -> Activity:
        if not one.on:
            return Activity(Work.IDLE, one.used, "It did not run.")
        if self._blind:
            return Activity(Work.UNKNOWN, None, _UNSEEN.why)
        if one.opened:
            first = min(one.opened.values(), key=lambda each: each.connected_at)
            why = f"Connected by {first.user or 'somebody'} ({first.kind})."
            return Activity(Work.CONNECTED, max(first.connected_at, one.since), why)
        idle = max(one.used, one.since) if one.used else one.since
        return Activity(Work.IDLE, idle, "No connection.")


def _build(one: _Moving) -> Build:
    known = one.workspace.build
    turn = Transition.START if one.on else Transition.STOP
    if one.on and known.transition is turn and one.workspace.on_since == one.since:
        return known
    return Build(
        build_id=f"{one.workspace.workspace_id}:{one.number}",
        number=one.number + 1,
        transition=turn,
        status=BuildStatus.SUCCEEDED,
        created_at=one.since,
        started_at=one.since,
        completed_at=one.since,
    )
