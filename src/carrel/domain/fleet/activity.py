"""Whether anybody is at work in a workspace, judged from what could be seen of it.

What can't be seen counts as active: a machine that runs too long costs money, a stopped one
costs somebody's work.
"""

from datetime import datetime, timedelta

from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.workspaces import Activity, TaskStatus, Work
from carrel.domain.records import dataclass

SETTLE = timedelta(minutes=30)
"""So long after an agent's connection broke it may come back with everybody in it."""
FRESH = timedelta(minutes=10)
"""While somebody is connected, the backend notes a use more often than this."""


@dataclass(frozen=True, slots=True)
class AgentSeen:
    """The backend's agent inside a workspace.

    Attributes:
        status: `connecting`, `connected`, `disconnected` or `timeout`; others count as unknown.
        disconnected_at: When its connection broke last.
    """

    status: str
    disconnected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """What was seen of work in one workspace.

    Attributes:
        running: It is started, and nothing else is under way.
        started_at: When its start ended.
        agents: The backend's agents inside it.
        connections: Connections, open or ended a while ago; None: they could not be seen.
        app_state: What an AI agent says of itself, such as `working` or `idle`; empty: nothing.
        app_at: When it said so.
        task: What the workspace's AI task is doing.
        task_at: When that began.
        last_used_at: The backend's own last sign of use.
    """

    running: bool
    started_at: datetime | None = None
    agents: tuple[AgentSeen, ...] = ()
    connections: tuple[Connection, ...] | None = None
    app_state: str = ""
    app_at: datetime | None = None
    task: TaskStatus = TaskStatus.NONE
    task_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def last_sign(self) -> datetime | None:
        """The newest moment of anything that looks like work."""
        return _latest(self.started_at, self.app_at, self.task_at, self.last_used_at)


_QUIET_APPS = frozenset({"", "idle", "complete", "completed", "failure", "failed"})
_GONE = frozenset({"disconnected", "timeout"})


def judge(seen: Signals, at: datetime) -> Activity:
    """Judge at a moment whether anybody is at work; doubt is `unknown`, and counts as active."""
    if not seen.running:
        return Activity(Work.IDLE, seen.last_sign, "It does not run.")
    return _absent(seen, at) or _at_work(seen) or _connected(seen, at) or _idle(seen)


def _absent(seen: Signals, at: datetime) -> Activity | None:
    """Judge from agents alone: where none is connected, nothing else that was seen is fresh."""
    if not seen.agents or any(agent.status == "connected" for agent in seen.agents):
        return None
    if all(agent.status in _GONE for agent in seen.agents):
        broke = [agent.disconnected_at for agent in seen.agents if agent.disconnected_at]
        since = _latest(*broke, seen.started_at)
        if since is not None and at - since >= SETTLE:
            return Activity(Work.IDLE, since, "Its agent is gone: nobody can be connected.")
        return Activity(Work.UNKNOWN, since, "Its agent's connection broke a short time ago.")
    return Activity(Work.UNKNOWN, seen.started_at, "Its agent is not connected yet.")


def _at_work(seen: Signals) -> Activity | None:
    if seen.task is TaskStatus.WORKING:
        return Activity(Work.WORKING, seen.task_at, "Its AI task is at work.")
    if seen.app_state == "working":
        return Activity(Work.WORKING, seen.app_at, "An AI agent in it says that it is at work.")
    if seen.task is TaskStatus.UNKNOWN:
        return Activity(Work.UNKNOWN, seen.task_at, "What its AI task is doing could not be seen.")
    if seen.app_state not in _QUIET_APPS:
        why = f"An AI agent in it says {seen.app_state!r}, which nobody here understands."
        return Activity(Work.UNKNOWN, seen.app_at, why)
    return None


def _connected(seen: Signals, at: datetime) -> Activity | None:
    still = [one for one in seen.connections or () if one.disconnected_at is None]
    if still:
        first = min(still, key=lambda one: one.connected_at)
        who = f" by {first.user}" if first.user else ""
        return Activity(Work.CONNECTED, first.connected_at, f"Connected{who} ({first.kind}).")
    used = seen.last_used_at
    if seen.connections is None and used is None:
        return Activity(Work.UNKNOWN, seen.started_at, "Connections could not be seen.")
    if seen.connections is None and used is not None and at - used < FRESH:
        return Activity(Work.CONNECTED, used, "The backend noted a use moments ago.")
    return None


def _idle(seen: Signals) -> Activity:
    ended = [one.disconnected_at for one in seen.connections or () if one.disconnected_at]
    since = _latest(*ended, seen.last_sign)
    return Activity(Work.IDLE, since, "No connection, and no agent at work.")


def _latest(*moments: datetime | None) -> datetime | None:
    return max((at for at in moments if at is not None), default=None)
