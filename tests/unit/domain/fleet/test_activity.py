"""Who is at work: what was seen, row by row, and doubt that counts as active."""

from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.fleet.activity import AgentSeen, Signals, judge
from carrel.domain.fleet.history import Connection
from carrel.domain.fleet.workspaces import TaskStatus, Work

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
START = NOW - timedelta(hours=9)
ALIVE = (AgentSeen("connected"),)


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def connection(ended: datetime | None = None) -> Connection:
    return Connection("c", "w", "one", "ann", "ann", "vscode", ago(240), ended)


@pytest.mark.parametrize(
    ("facts", "work"),
    [
        ({"agents": ALIVE, "connections": ()}, Work.IDLE),
        ({"agents": ALIVE, "connections": (connection(),)}, Work.CONNECTED),
        ({"agents": ALIVE, "connections": (connection(ago(5)),)}, Work.IDLE),
        ({"agents": ALIVE, "connections": (), "app_state": "working"}, Work.WORKING),
        ({"agents": ALIVE, "connections": (), "app_state": "idle"}, Work.IDLE),
        ({"agents": ALIVE, "connections": (), "app_state": "pondering"}, Work.UNKNOWN),
        ({"agents": ALIVE, "connections": (), "task": TaskStatus.WORKING}, Work.WORKING),
        ({"agents": ALIVE, "connections": (), "task": TaskStatus.UNKNOWN}, Work.UNKNOWN),
        ({"agents": ALIVE, "connections": (), "task": TaskStatus.COMPLETE}, Work.IDLE),
        # Work beats a connection: it is paused another way.
        (
            {"agents": ALIVE, "connections": (connection(),), "task": TaskStatus.WORKING},
            Work.WORKING,
        ),
        # Connections that can't be seen: the backend's own sign of use stands in, else doubt.
        ({"agents": ALIVE, "connections": None}, Work.UNKNOWN),
        ({"agents": ALIVE, "connections": None, "last_used_at": ago(5)}, Work.CONNECTED),
        ({"agents": ALIVE, "connections": None, "last_used_at": ago(50)}, Work.IDLE),
        # Agents that are not there.
        ({"agents": (AgentSeen("connecting"),), "connections": ()}, Work.UNKNOWN),
        ({"agents": (AgentSeen("new word"),), "connections": ()}, Work.UNKNOWN),
        ({"agents": (AgentSeen("timeout"),), "connections": ()}, Work.IDLE),
        ({"agents": (AgentSeen("disconnected", ago(5)),), "connections": ()}, Work.UNKNOWN),
        ({"agents": (AgentSeen("disconnected", ago(50)),), "app_state": "working"}, Work.IDLE),
        (
            {"agents": (AgentSeen("timeout"), *ALIVE), "connections": (connection(),)},
            Work.CONNECTED,
        ),
    ],
)
def test_what_was_seen_and_what_it_means(facts, work: Work):
    found = judge(Signals(running=True, started_at=START, **facts), NOW)
    assert found.work is work
    assert found.why.endswith(".")


def test_idle_since_the_last_sign_of_anything():
    seen = Signals(
        running=True,
        started_at=START,
        agents=ALIVE,
        connections=(connection(ago(30)),),
        app_state="idle",
        app_at=ago(45),
        last_used_at=ago(60),
    )
    assert judge(seen, NOW).since == ago(30)


def test_what_does_not_run_is_idle():
    seen = Signals(running=False, connections=None, task=TaskStatus.UNKNOWN)
    assert judge(seen, NOW).work is Work.IDLE


def test_an_agent_that_just_started_and_never_came_is_waited_for():
    seen = Signals(running=True, started_at=ago(10), agents=(AgentSeen("timeout"),))
    assert judge(seen, NOW).work is Work.UNKNOWN
