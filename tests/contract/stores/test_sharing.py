"""Processes, threads, forks and applications that share a database, on both databases."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.forks import at_once

from carrel.domain.ledger import first_break
from carrel.domain.limits import Limits
from carrel.domain.projects import Project
from carrel.domain.workspaces import State, Workspace
from carrel.errors import LimitError
from carrel.stores.database import DatabaseService
from carrel.stores.tables import agent_workspaces

Making = Callable[..., Workspace]


def reserve(url: str, making: Making, now: datetime, who: str) -> int:
    """Reserve 25 workspaces as another process does, and return how many were refused."""
    db, refused = DatabaseService(url), 0
    for number in range(25):
        name = f"{who}-{number}"
        workspace = making(
            workspace_id=name, agent_id=name, branch_name=f"carrel/{name}", home=f"/srv/{name}"
        )
        try:
            with db.writing() as session:
                session.add_workspace(workspace, Limits(max_count=100))
                session.append(now, who, "workspace.reserved", name, {})
        except LimitError:
            refused += 1
    return refused


def test_eight_processes_never_pass_a_limit_and_never_fail(
    db: DatabaseService, url: str, project: Project, making: Making, now: datetime
) -> None:
    with db.writing() as session:
        session.add_project(project)
    db.close()  # whoever is forked opens connections of his own
    agents = [f"agent-{number}" for number in range(8)]
    refused = at_once([partial(reserve, url, making, now, agent) for agent in agents])
    assert sum(refused) == 100
    with db.reading() as session:
        assert len(session.workspaces(states=[State.CREATING])) == 100
        events = list(session.events())
    assert len(events) == 100
    assert first_break(events) is None


def first_use(url: str, now: datetime, subject: str) -> None:
    with DatabaseService(url).writing() as session:
        session.append(now, "me", "first", subject, {})


def test_eight_processes_may_start_on_nothing(db: DatabaseService, url: str, now: datetime) -> None:
    at_once([partial(first_use, url, now, f"s-{number}") for number in range(8)])
    with db.reading() as session:
        events = list(session.events())
    assert {event.subject for event in events} == {f"s-{number}" for number in range(8)}
    assert first_break(events) is None


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
