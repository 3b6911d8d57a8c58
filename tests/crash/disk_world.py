"""A user's repository and a state folder, and all that is tried with them on a bad disk."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from carrel.bootstrap import open_context
from carrel.control import (
    changes,
    checkpoints,
    cleanup,
    ledger,
    merging,
    prediction,
    projects,
    workspaces,
)
from carrel.control.context import Context
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.workspaces import Workspace

Act = Callable[["World"], object]


def git(*arguments: str, cwd: Path | str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@example.org", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


class World:
    """A user's repository and a state folder, each where the test wants it."""

    def __init__(self, repository: Path, home: Path) -> None:
        self.repository, self.home = repository, home
        os.environ["CARREL_HOME"] = str(home)
        repository.mkdir(parents=True)
        git("init", "-q", "-b", "main", cwd=repository)
        for name in ("a.txt", "b.txt", "dir/c.txt"):
            target = repository / name
            target.parent.mkdir(exist_ok=True)
            target.write_text(f"{name}\n" * 5)
        git("add", "-A", cwd=repository)
        git("commit", "-q", "-m", "start", cwd=repository)
        self.ctx = self.fresh()

    def fresh(self) -> Context:
        made = open_context(actor="disk")
        limits = replace(made.config.limits, disk_threshold_gb=0, max_count=1000)
        made.config = replace(made.config, limits=limits)
        return made

    def reopen(self) -> None:
        self.ctx.close()
        self.ctx.store.close()
        self.ctx = self.fresh()

    def make(self, name: str, **more: str) -> Workspace:
        return workspaces.create(self.ctx, workspaces.Request(agent_id=name, **more))

    def write(self, name: str, where: str, content: bytes) -> None:
        target = Path(find(self.ctx, name).working_directory, where)
        target.write_bytes(content)

    def close(self) -> None:
        for workspace in workspaces.listing(self.ctx, everything=True):
            self.ctx.driver(workspace).withdraw(self.ctx.place(workspace))
        self.ctx.close()
        self.ctx.store.close()

    def check(self) -> None:
        """Nothing is half-done, or it is finished by the next look at it."""
        assert all(finding.applied for finding in reconcile(self.ctx))
        assert reconcile(self.ctx, dry_run=True) == []
        assert ledger.verify(self.ctx).broken_at is None
        for project in projects.listing(self.ctx):
            for store in ("base.git", "vault.git"):
                git(f"--git-dir={project.home}/{store}", "fsck", "--strict", cwd="/")
        git("fsck", "--strict", cwd=self.repository)
        for workspace in workspaces.listing(self.ctx):
            git("status", "--porcelain", cwd=workspaces.path(self.ctx, workspace))

    def state(self) -> dict[str, object]:
        """What a failed action must not change: rows, references, the user's files."""
        rows = {row.workspace_id: row for row in workspaces.listing(self.ctx)}
        refs = {
            project.name: git(
                f"--git-dir={project.home}/vault.git", "for-each-ref", "refs/carrel", cwd="/"
            )
            for project in projects.listing(self.ctx)
        }
        return {"rows": rows, "refs": refs, "user": self.users()}

    def users(self) -> list[object]:
        """What the user has: references, files, and whether they agree."""
        top = self.repository
        paths = [path for path in top.rglob("*") if ".git" not in path.parts and path.is_file()]
        files = {str(path): path.read_bytes() for path in paths}
        return [
            git("for-each-ref", cwd=top),
            git("--no-optional-locks", "status", "--porcelain", cwd=top),
            files,
        ]


def _edited(world: World) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    world.write("agent", "a.txt", b"precious\n")
    world.write("agent", "new.bin", os.urandom(90_000))
    world.write("agent", "dir/c.txt", b"too\n" * 99)


def _second(world: World) -> None:
    _edited(world)
    checkpoints.checkpoint(world.ctx, find(world.ctx, "agent"), iteration=1)
    world.write("agent", "new.bin", b"another")
    world.write("agent", "a.txt", os.urandom(50_000))


def _clashing(world: World) -> None:
    _edited(world)
    other = world.make("other")
    world.write("other", "a.txt", b"by another\n")
    merging.merge(world.ctx, other, MergeRequest())


def _family(world: World) -> None:
    _edited(world)
    world.make("child", parent="agent")
    world.write("child", "of-child.bin", os.urandom(90_000))
    world.write("child", "a.txt", b"by the child\n")


def _trashed(world: World) -> None:
    _edited(world)
    cleanup.remove(world.ctx, find(world.ctx, "agent"))


def _create(world: World) -> object:
    return world.make("late")


def _merge(world: World) -> object:
    rules = Rules(default=Strategy.CHILD)
    return merging.merge(world.ctx, find(world.ctx, "agent"), MergeRequest(rules=rules))


def _join(world: World) -> object:
    rules = Rules(default=Strategy.CHILD)
    return merging.merge(world.ctx, find(world.ctx, "child"), MergeRequest(rules=rules))


def _checkpoint(world: World) -> object:
    return checkpoints.checkpoint(world.ctx, find(world.ctx, "agent"), iteration=2)


def _restore(world: World) -> object:
    return checkpoints.restore(world.ctx, find(world.ctx, "agent"), "iteration:1")


def _remove(world: World) -> object:
    return cleanup.remove(world.ctx, find(world.ctx, "agent"))


def _predict(world: World) -> object:
    return prediction.predict(world.ctx, workspaces.listing(world.ctx))


def _changes(world: World) -> object:
    return changes.changes(world.ctx, find(world.ctx, "agent"), diff=True)


def _trash(world: World) -> object:
    return cleanup.restore_from_trash(world.ctx, "agent")


def _register(world: World) -> object:
    return projects.register(world.ctx, str(world.repository))


def _nothing(world: World) -> None:
    workspaces.listing(world.ctx)  # the database is there


ACTIONS: dict[str, tuple[Act, Act]] = {
    "register": (_nothing, _register),
    "create": (_edited, _create),
    "checkpoint": (_second, _checkpoint),
    "changes": (_edited, _changes),
    "merge": (_clashing, _merge),
    "join": (_family, _join),
    "restore": (_second, _restore),
    "predict": (_clashing, _predict),
    "remove": (_edited, _remove),
    "trash": (_trashed, _trash),
}
