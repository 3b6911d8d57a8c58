"""A user's repository, a stranger's, and a way through every command, for hostile tests."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from carrel.bootstrap import open_context
from carrel.control import (
    changes,
    checkpoints,
    cleanup,
    ledger,
    merging,
    prediction,
    workspaces,
)
from carrel.control.context import Context
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.control.workspaces import Request
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.workspaces import Workspace
from carrel.errors import CarrelError

CHILD_WINS = MergeRequest(rules=Rules(default=Strategy.CHILD))


def git(
    *arguments: str,
    cwd: Path | str,
    ok: bool = True,
    stdin: bytes = b"",
    wait: float = 30,
    home: Path | str = "/nonexistent",
) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@example.org", *arguments],
        cwd=cwd,
        check=ok,
        capture_output=True,
        input=stdin,
        timeout=wait,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",  # one that is killed leaves its lock
            "LC_ALL": "C",
        },
    )
    return done.stdout.decode(errors="surrogateescape").strip()


@dataclass
class World:
    """A user's repository, somebody else's with a secret, and what stands outside."""

    top: Path
    ctx: Context
    errors: list[str] = field(default_factory=list)

    @property
    def repository(self) -> Path:
        return self.top / "project"

    @property
    def canary(self) -> Path:
        return self.top / "canary"

    @property
    def trap(self) -> str:
        return str(self.top / "trap")

    def begin(self) -> None:
        Path(self.trap).write_text(f"#!/bin/sh\n: >>'{self.canary}'\nexit 1\n")
        Path(self.trap).chmod(0o755)
        self.repository.mkdir()
        git("init", "-q", "-b", "main", cwd=self.repository)
        for name in ("a.txt", "b.txt", "d/c.txt"):
            target = self.repository / name
            target.parent.mkdir(exist_ok=True)
            target.write_text(f"{name}\n" * 5)
        self.commit()

    def commit(self) -> None:
        git("add", "-A", cwd=self.repository)
        git("commit", "-q", "--allow-empty", "-m", "user", cwd=self.repository)

    def stranger(self) -> tuple[Path, str]:
        """Return a repository nobody may take anything from, and its commit."""
        made = self.top / "stranger"
        made.mkdir()
        git("init", "-q", "-b", "main", cwd=made)
        (made / "secret.txt").write_text("password\n")
        git("add", "-A", cwd=made)
        git("commit", "-q", "-m", "secret", cwd=made)
        return made, git("rev-parse", "HEAD", cwd=made)

    def outside(self) -> Path:
        """Return a folder outside of everything, with a file of each name."""
        made = self.top / "outside"
        made.mkdir()
        (made / "c.txt").write_text("not yours\n")
        return made

    def sprung(self) -> bool:
        """Tell whether a trap sprang, and set it anew."""
        found = self.canary.exists()
        self.canary.unlink(missing_ok=True)
        return found

    def copy(self, tree: Path | str) -> Path:
        """Return a copy of a repository for a naive command."""
        made = self.top / f"copy-{time.monotonic_ns()}"
        shutil.copytree(tree, made, symlinks=True)
        return made

    def make(self, name: str, **more: str) -> Workspace:
        return workspaces.create(self.ctx, Request(agent_id=name, **more))

    def tree(self, name: str) -> Path:
        return Path(workspaces.path(self.ctx, find(self.ctx, name)))

    def step(self, action: Callable[[], object]) -> None:
        """Do something that may be refused by an error of ours, within its time."""
        begin = time.monotonic()
        code = self.attempt(action)
        while code == "upper_in_use" and time.monotonic() - begin < 20:
            time.sleep(0.2)  # a namespace of another test still shows the old mount
            code = self.attempt(action)
        if code:
            self.errors.append(code)
        assert time.monotonic() - begin < 40, "it hung"

    def attempt(self, action: Callable[[], object]) -> str:
        """Do something, and return the code of the error if it is one of ours."""
        try:
            action()
        except CarrelError as error:
            return error.code
        return ""

    def everything(self) -> None:
        """Lead the agent's workspace through every command."""
        ctx = self.ctx
        agent = find(ctx, "agent")
        (self.tree("agent") / "new.txt").write_text("by the agent\n")
        (self.tree("agent") / "a.txt").write_text("by the agent\n")
        self.step(lambda: checkpoints.checkpoint(ctx, agent, iteration=1))
        self.step(lambda: changes.changes(ctx, agent, diff=True))
        self.step(lambda: self.make("child", parent="agent"))
        self.step(lambda: self.make("other"))
        if any(row.agent_id == "child" for row in workspaces.listing(ctx)):
            (self.tree("child") / "b.txt").write_text("by the child\n")
            self.step(lambda: merging.merge(ctx, find(ctx, "child"), CHILD_WINS))
        self.step(lambda: prediction.predict(ctx, workspaces.listing(ctx)))
        self.step(lambda: merging.merge(ctx, agent, CHILD_WINS))
        self.step(lambda: checkpoints.restore(ctx, agent, "start"))
        self.step(lambda: checkpoints.restore(ctx, agent, "1"))
        for row in workspaces.listing(ctx):
            ctx.driver(row).withdraw(ctx.place(row))
        self.step(lambda: reconcile(ctx))
        self.step(lambda: cleanup.remove(ctx, agent))
        if cleanup.trash(ctx):
            self.step(lambda: cleanup.restore_from_trash(ctx, "agent"))
            self.step(lambda: cleanup.remove(ctx, agent))
        for row in cleanup.trash(ctx):
            self.step(lambda row=row: cleanup.purge(ctx, row))
        assert ledger.verify(ctx).broken_at is None

    def files(self) -> set[str]:
        """Return every file outside of the state folder and of the user's `.git`."""
        found: set[str] = set()
        for folder, folders, files in os.walk(self.top):
            folders[:] = [name for name in folders if name not in ("state", "objects", "refs")]
            found |= {f"{folder}/{name}" for name in files if "/.git" not in folder}
        return found

    def holds(self, oid: str) -> bool:
        """Tell whether a store of ours, or the user's repository, has an object."""
        stores = [*(self.top / "state/projects").glob("*/*.git"), self.repository / ".git"]
        return any(
            git(f"--git-dir={one}", "cat-file", "-t", oid, cwd="/", ok=False) for one in stores
        )


@contextmanager
def opened(driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a world with a user's repository; nothing is registered yet."""
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", driver)
    made = World(tmp_path, open_context(actor="test"))
    made.begin()
    yield made
    for workspace in workspaces.listing(made.ctx, everything=True):
        made.ctx.driver(workspace).withdraw(made.ctx.place(workspace))
    made.ctx.close()
