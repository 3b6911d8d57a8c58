"""A small real repository, a state folder of its own, and a context on both."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carrel.bootstrap import open_context
from carrel.control import projects, workspaces
from carrel.control.context import Context
from carrel.domain.workspaces import Workspace
from carrel.testing.molds import mold

Make = Callable[..., Workspace]


class Repository:
    """An ordinary repository of a user, driven by ordinary git."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def copied(self, path: Path) -> "Repository":
        """Copy what never changes; git's note of each file is refreshed: a copy has another."""
        mold(self.path).write(path)
        made = Repository(path)
        made.git("update-index", "-q", "--refresh")
        return made

    def git(self, *arguments: str, cwd: Path | str | None = None) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=User", "-c", "user.email=user@example.org", *arguments],
            cwd=cwd or self.path,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, name: str, content: str) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tree(self, revision: str) -> dict[str, str]:
        names = self.git("ls-tree", "-r", "-z", "--name-only", revision).split("\0")
        return {name: self.git("show", f"{revision}:{name}") for name in names if name}


@pytest.fixture(autouse=True)
def _closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with four files on main: to be copied, never to be changed."""
    made = Repository(tmp_path_factory.mktemp("model") / "project")
    made.path.mkdir()
    made.git("init", "-q", "--template=", "-b", "main")
    made.write("README.md", "hello\n")
    made.write("src/a.txt", "one\ntwo\nthree\n")
    made.write("src/b.txt", "b\n")
    made.write(".gitignore", "*.log\nbuild/\n")
    made.commit("start")
    return made


@pytest.fixture
def repository(tmp_path: Path, model: Repository) -> Repository:
    """A repository with four files on main, nothing checked out but a clean main."""
    return model.copied(tmp_path / "project")


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[Context]:
    context = open_context(actor="test")
    yield context
    for workspace in workspaces.listing(context, everything=True):
        context.driver(workspace).withdraw(context.place(workspace))
    context.close()


@pytest.fixture
def make(ctx: Context, repository: Repository) -> Make:
    """Make workspaces of the repository by name."""
    projects.register(ctx, str(repository.path))

    def made(name: str, **more: str) -> Workspace:
        return workspaces.create(ctx, workspaces.Request(agent_id=name, **more))

    return made
