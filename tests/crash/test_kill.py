"""SIGKILL between every two steps; after `reconcile` nothing is lost, nothing is orphaned.

Each scenario is run once to learn which points it passes, then once for every point, each
time from a fresh state, killed there, reconciled and repeated.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from carrel.bootstrap import open_context
from carrel.control import checkpoints, cleanup, ledger, merging, projects, workspaces
from carrel.control.context import Context
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.control.workspaces import Request
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.workspaces import State, Workspace
from carrel.errors import CarrelError

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


def git(*arguments: str, cwd: Path | str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@example.org", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def mounts_below(folder: str) -> int:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sum(line.split()[4].startswith(folder + "/") for line in lines)


class World:
    """A repository, a state folder and a context; made anew for every kill."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.repository = top / "project"
        os.environ["CARREL_HOME"] = str(top / "state")
        self.repository.mkdir(parents=True)
        git("init", "-q", "-b", "main", cwd=self.repository)
        for name in ("a.txt", "b.txt", "dir/c.txt"):
            target = self.repository / name
            target.parent.mkdir(exist_ok=True)
            target.write_text(f"{name}\n" * 5)
        git("add", "-A", cwd=self.repository)
        git("commit", "-q", "-m", "start", cwd=self.repository)
        self.ctx = self.fresh()

    def fresh(self) -> Context:
        made = open_context(actor="crash")
        limits = replace(made.config.limits, disk_threshold_gb=0)
        made.config = replace(made.config, limits=limits)
        return made

    def make(self, name: str, **more: str) -> Workspace:
        return workspaces.create(self.ctx, Request(agent_id=name, **more))

    def register(self) -> None:
        projects.register(self.ctx, str(self.repository))

    def write(self, workspace: Workspace, name: str, content: str) -> None:
        (Path(workspace.working_directory) / name).write_text(content)

    def close(self) -> None:
        for workspace in workspaces.listing(self.ctx, everything=True):
            self.ctx.driver(workspace).withdraw(self.ctx.place(workspace))
        self.ctx.close()
        shutil.rmtree(self.top)

    def check(self) -> None:
        """What must hold after `reconcile`, wherever the process died."""
        ctx = self.ctx
        assert reconcile(ctx, dry_run=True) == []
        assert ledger.verify(ctx).broken_at is None
        rows = workspaces.listing(ctx, everything=True)
        assert {row.state for row in rows} <= {State.ACTIVE, State.TRASHED, State.REMOVED}
        root = Path(ctx.config.workspace_root)
        present = root.iterdir() if root.exists() else ()
        folders = {path.name for path in present if not path.name.startswith(".")}
        active = {row.workspace_id for row in rows if row.state is State.ACTIVE}
        assert folders == active
        mounted = [row for row in rows if row.state is State.ACTIVE]
        mounted = [row for row in mounted if ctx.driver(row).capabilities.mounts]
        assert mounts_below(str(root)) == len(mounted)
        for project in projects.listing(ctx):
            for store in ("base.git", "vault.git"):
                git(f"--git-dir={project.home}/{store}", "fsck", "--strict", cwd="/")
        git("fsck", "--strict", cwd=self.repository)

    def content(self, revision: str, name: str) -> str:
        return git("show", f"{revision}:{name}", cwd=self.repository)

    def vault(self, workspace: Workspace) -> str:
        return f"{self.ctx.project_home(workspace.project_id)}/vault.git"


Scenario = tuple[Callable[[World], None], Callable[[World], object], Callable[[World], None]]


def _register(world: World) -> None:
    world.register()


def _created(world: World) -> None:
    made = world.make("agent")
    assert git("status", "--porcelain", cwd=made.working_directory) == ""
    assert Path(made.working_directory, "dir/c.txt").read_text() == "dir/c.txt\n" * 5


def _parent(world: World) -> None:
    world.register()
    parent = world.make("parent")
    world.write(parent, "a.txt", "uncommitted of the parent\n")


def _child(world: World) -> None:
    child = world.make("child", parent="parent")
    assert Path(child.working_directory, "a.txt").read_text() == "uncommitted of the parent\n"


def _edited(world: World) -> None:
    world.register()
    made = world.make("agent")
    world.write(made, "a.txt", "precious\n")
    git("add", "a.txt", cwd=made.working_directory)
    git("commit", "-q", "-m", "mine", cwd=made.working_directory)
    world.write(made, "new.txt", "precious too\n")


def _checkpoint(world: World) -> object:
    return checkpoints.checkpoint(world.ctx, find(world.ctx, "agent"), iteration=1)


def _checkpointed(world: World) -> None:
    made = find(world.ctx, "agent")
    assert Path(made.working_directory, "new.txt").read_text() == "precious too\n"
    info = checkpoints.checkpoint(world.ctx, made, iteration=1)
    vault = world.vault(made)
    assert (
        git(f"--git-dir={vault}", "show", f"{info.commit_sha}:new.txt", cwd="/") == "precious too"
    )
    rows = [row for row in checkpoints.listing(world.ctx, made) if row.iteration == 1]
    assert [(row.commit_sha, row.files_changed) for row in rows] == [(info.commit_sha, 2)]


def _clashing(world: World) -> None:
    world.register()
    one, two = world.make("one"), world.make("two")
    world.write(one, "a.txt", "by one\n")
    world.write(two, "a.txt", "by two\n")
    world.write(two, "two.txt", "only two\n")
    merging.merge(world.ctx, one, MergeRequest())


_CHILD_WINS = MergeRequest(rules=Rules(default=Strategy.CHILD))


def _merge(world: World) -> object:
    return merging.merge(world.ctx, find(world.ctx, "two"), _CHILD_WINS)


def _merged(world: World) -> None:
    two = find(world.ctx, "two")
    if git("status", "--porcelain", cwd=world.repository):
        # The landing was cut while the user's own files were written: git shows it, and
        # what is on disk is one of the two versions, whole.
        assert (world.repository / "a.txt").read_text() in ("by one\n", "by two\n")
    result = merging.merge(world.ctx, two, _CHILD_WINS)
    assert result.status in ("success", "conflict_resolved")
    assert world.content("main", "a.txt") == "by two"
    assert world.content("main", "two.txt") == "only two"
    assert git("status", "--porcelain", cwd=world.repository) == ""
    with world.ctx.store.reading() as tx:
        settled = [one for _, one in tx.settlements(two.workspace_id)]
    assert [one.path for one in settled] == ["a.txt"]
    kept = git(f"--git-dir={world.vault(two)}", "show", f"{settled[0].kept_ref}:a.txt", cwd="/")
    assert kept == "by one"


def _family(world: World) -> None:
    world.register()
    parent = world.make("parent")
    world.write(parent, "p.txt", "of the parent\n")
    child = world.make("child", parent="parent")
    world.write(child, "c.txt", "of the child\n")
    world.write(parent, "a.txt", "parent went on\n")


def _join(world: World) -> object:
    return merging.merge(world.ctx, find(world.ctx, "child"), MergeRequest())


def _joined(world: World) -> None:
    parent = find(world.ctx, "parent")
    assert Path(parent.working_directory, "a.txt").read_text() == "parent went on\n"
    result = merging.merge(world.ctx, find(world.ctx, "child"), MergeRequest())
    assert result.status == "success"
    for name, text in (("p.txt", "of the parent"), ("c.txt", "of the child")):
        assert Path(parent.working_directory, name).read_text() == text + "\n"
    assert git("status", "--porcelain", cwd=parent.working_directory) == ""


def _remove(world: World) -> object:
    return cleanup.remove(world.ctx, find(world.ctx, "agent"))


def _removed(world: World) -> None:
    open_ones = workspaces.listing(world.ctx)
    if open_ones:
        made = open_ones[0]
        assert Path(made.working_directory, "new.txt").read_text() == "precious too\n"
        cleanup.remove(world.ctx, made)
    assert world.content("carrel/agent", "new.txt") == "precious too"
    assert world.content("carrel/agent", "a.txt") == "precious"
    assert workspaces.listing(world.ctx) == []


def _trashed(world: World) -> None:
    _edited(world)
    _remove(world)


def _bring_back(world: World) -> object:
    return cleanup.restore_from_trash(world.ctx, "agent")


def _back(world: World) -> None:
    if not workspaces.listing(world.ctx):
        cleanup.restore_from_trash(world.ctx, "agent")
    made = find(world.ctx, "agent")
    assert Path(made.working_directory, "new.txt").read_text() == "precious too\n"


def _second_state(world: World) -> None:
    _edited(world)
    made = find(world.ctx, "agent")
    checkpoints.checkpoint(world.ctx, made, iteration=1)
    world.write(made, "a.txt", "a later state\n")
    (Path(made.working_directory) / "b.txt").unlink()


def _restore(world: World) -> object:
    return checkpoints.restore(world.ctx, find(world.ctx, "agent"), "iteration:1")


def _restored(world: World) -> None:
    made = find(world.ctx, "agent")
    vault = world.vault(made)
    checkpoints.restore(world.ctx, made, "iteration:1")
    tree = Path(made.working_directory)
    assert (tree / "a.txt").read_text() == "precious\n"
    assert (tree / "b.txt").read_text() == "b.txt\n" * 5
    states = [
        git(f"--git-dir={vault}", "show", f"{row.commit_sha}:a.txt", cwd="/")
        for row in checkpoints.listing(world.ctx, made)
    ]
    assert "a later state" in states


SCENARIOS: dict[str, Scenario] = {
    "register": (lambda _: None, _register, lambda world: (_register(world), _created(world))),
    "create": (_register, lambda world: world.make("agent"), _created),
    "child": (_parent, lambda world: world.make("child", parent="parent"), _child),
    "checkpoint": (_edited, _checkpoint, _checkpointed),
    "merge": (_clashing, _merge, _merged),
    "join": (_family, _join, _joined),
    "restore": (_second_state, _restore, _restored),
    "remove": (_edited, _remove, _removed),
    "trash": (_trashed, _bring_back, _back),
}


@pytest.fixture
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", "unset")


@pytest.mark.usefixtures("_own_environment")
@pytest.mark.parametrize("driver", ["auto", "checkout"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_anywhere_nothing_is_lost(
    name: str, driver: str, tmp_path: Path, run_in_fork, stops, monkeypatch
) -> None:
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", driver)
    prepare, act, settle = SCENARIOS[name]
    first = World(tmp_path / "first")
    prepare(first)
    whole = run_in_fork(lambda: act(first))
    assert not whole.error
    first.ctx.close()
    first.ctx = first.fresh()
    first.check()
    settle(first)
    first.close()
    specs = stops(whole.points)
    assert specs, "the scenario passes no point at all"
    for number, spec in enumerate(specs):
        world = World(tmp_path / f"kill-{number}")
        prepare(world)
        ended = run_in_fork(lambda world=world: act(world), spec)
        assert ended.killed, f"{spec} was not reached: {ended.error}"
        world.ctx.close()
        world.ctx = world.fresh()
        try:
            findings = reconcile(world.ctx)
            assert all(finding.applied for finding in findings), (spec, findings)
            world.check()
            settle(world)
            world.check()
        except (AssertionError, CarrelError, OSError, subprocess.CalledProcessError) as error:
            error.add_note(f"killed at {spec}")
            raise
        finally:
            world.close()
