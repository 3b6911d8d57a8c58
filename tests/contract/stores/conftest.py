"""Both databases, each test with one of its own."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.databases import KINDS, fresh

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.limits import Limits
from carrel.domain.projects import Project, SourceKind
from carrel.domain.workspaces import Outcome, State, Workspace
from carrel.stores.database import DatabaseService

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
PLENTY = Limits(max_count=1000)

Making = Callable[..., Workspace]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh(request.param, tmp_path) as address:
        yield address


@pytest.fixture
def db(url: str) -> Iterator[DatabaseService]:
    service = DatabaseService(url)
    yield service
    with suppress(Exception):
        service.close()


@pytest.fixture
def project(now: datetime) -> Project:
    return Project("p-1", "Demo", SourceKind.PATH, "/src/demo", "/home/p-1", "main", now)


@pytest.fixture
def making(now: datetime) -> Making:
    """Make the n-th workspace; keywords replace its fields."""

    def make(number: int = 1, **changes: object) -> Workspace:
        plain = Workspace(
            workspace_id=f"ws-{number}",
            project_id="p-1",
            agent_id=f"agent-{number}",
            branch_name=f"carrel/agent-{number}",
            start_ref="main",
            target_branch="main",
            parent_commit="a" * 40,
            parent_id=None,
            depth=0,
            driver="overlay",
            home=f"/srv/ws-{number}",
            state=State.CREATING,
            outcome=Outcome.OPEN,
            head_commit="a" * 40,
            layer="a" * 40,
            created_at=now + timedelta(seconds=number),
            updated_at=now + timedelta(seconds=number),
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def checkpointing(now: datetime) -> Callable[..., Checkpoint]:
    """Make the n-th checkpoint of the first workspace; keywords replace its fields."""

    def make(number: int = 1, **changes: object) -> Checkpoint:
        plain = Checkpoint(
            checkpoint_id=f"cp-{number}",
            workspace_id="ws-1",
            agent_id="agent-1",
            number=number,
            iteration=None,
            commit_sha=f"{number:040x}",
            files_changed=number,
            message=f"Checkpoint {number}",
            created_at=now,
            empty=False,
            reason="manual",
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def filled(db: DatabaseService, project: Project, making: Making) -> DatabaseService:
    """A database with a project and one workspace."""
    with db.writing() as session:
        session.add_project(project)
        session.add_workspace(making(1), PLENTY)
    return db
