"""Processes, threads, forks and applications that share a database, on both databases."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from carrel.domain.ledger import first_break
from carrel.domain.projects import Project
from carrel.domain.workspaces import State
from carrel.stores.database import DatabaseService
from carrel.stores.tables import agent_workspaces

RESERVE = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from carrel.domain.limits import Limits
from carrel.domain.workspaces import Outcome, State, Workspace
from carrel.errors import LimitError
from carrel.stores.database import DatabaseService

db, who = DatabaseService(sys.argv[1]), sys.argv[2]
now = datetime(2026, 1, 1, tzinfo=UTC)
sys.stdin.readline()
refused = 0
for number in range(25):
    name = f"{who}-{number}"
    workspace = Workspace(
        name, "p-1", name, f"carrel/{name}", "main", "main", "a" * 40, None, 0, "overlay",
        f"/srv/{name}", State.CREATING, Outcome.OPEN, "a" * 40, "a" * 40, now, now,
    )
    try:
        with db.writing() as session:
            session.add_workspace(workspace, Limits(max_count=100))
            session.append(now, who, "workspace.reserved", name, {})
    except LimitError:
        refused += 1
print(refused)
"""


def test_eight_processes_never_pass_a_limit_and_never_fail(
    db: DatabaseService, url: str, project: Project
) -> None:
    with db.writing() as session:
        session.add_project(project)
    racers = [_started(RESERVE, url, f"agent-{number}") for number in range(8)]
    answers = _raced(racers)
    assert sum(int(answer) for answer in answers) == 100
    with db.reading() as session:
        assert len(session.workspaces(states=[State.CREATING])) == 100
        events = list(session.events())
    assert len(events) == 100
    assert first_break(events) is None


FIRST_USE = """
import sys
from datetime import UTC, datetime
from carrel.stores.database import DatabaseService

db = DatabaseService(sys.argv[1])
sys.stdin.readline()
with db.writing() as session:
    session.append(datetime(2026, 1, 1, tzinfo=UTC), "me", "first", sys.argv[2], {})
print("ok")
"""


def test_eight_processes_may_start_on_nothing(db: DatabaseService, url: str) -> None:
    racers = [_started(FIRST_USE, url, f"s-{number}") for number in range(8)]
    assert _raced(racers) == ["ok"] * 8
    with db.reading() as session:
        events = list(session.events())
    assert {event.subject for event in events} == {f"s-{number}" for number in range(8)}
    assert first_break(events) is None


def _started(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _raced(racers: list[subprocess.Popen[str]]) -> list[str]:
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=50)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * len(racers)
    return answers


def test_threads_share_a_service(filled: DatabaseService, now: datetime) -> None:
    def work(number: int) -> None:
        for _ in range(10):
            with filled.writing() as session:
                session.append(now, "me", "a.b", f"s-{number}", {})
            with filled.reading() as session:
                session.workspaces()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with filled.reading() as session:
        assert first_break(session.events()) is None
        assert len(list(session.events())) == 80


def test_a_forked_child_opens_its_own_connections(filled: DatabaseService, now: datetime) -> None:
    with filled.get_session() as session:  # both kinds of connection exist, idle
        session.connection()
    child = os.fork()
    if not child:  # pragma: no cover - runs in the child
        code = 1
        try:
            with filled.writing() as session:
                session.append(now, "child", "a.b", "ws-1", {})
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with filled.writing() as session:
        session.append(now, "parent", "a.b", "ws-1", {})
    with filled.reading() as session:
        assert [event.actor for event in session.events()] == ["child", "parent"]


def test_get_session_serves_an_applications_own_tables(filled: DatabaseService) -> None:
    class Base(DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "notes"
        text: Mapped[str] = mapped_column(primary_key=True)

    with filled.get_session() as session:
        Base.metadata.create_all(session.connection())
        session.add(Note(text="kept"))
        session.commit()
        session.add(Note(text="kept as well"))

    def add_and_fail() -> None:
        with filled.get_session() as session:
            session.add(Note(text="dropped"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    with filled.get_session() as session:
        assert sorted(session.scalars(select(Note.text))) == ["kept", "kept as well"]
        rows = session.execute(select(agent_workspaces.c.agent_id, agent_workspaces.c.created_at))
        assert [(agent, at.year) for agent, at in rows] == [("agent-1", 2026)]
