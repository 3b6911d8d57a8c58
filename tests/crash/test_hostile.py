"""A hostile repository and a hostile agent, through every command of the product.

Each trap is first shown to spring: the naive command runs in a copy that is thrown away. Then
the same trap stands in the user's repository and in the agent's own `.git/` while a workspace
is made, checkpointed, compared, predicted, merged, restored, remounted and removed.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
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
    projects,
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

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

HOOKS = (
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
)
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
        try:
            action()
        except CarrelError as error:
            self.errors.append(error.code)
        assert time.monotonic() - begin < 40, "it hung"

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


@pytest.fixture(params=["auto", "checkout"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", request.param)
    made = World(tmp_path, open_context(actor="test"))
    made.begin()
    yield made
    for workspace in workspaces.listing(made.ctx, everything=True):
        made.ctx.driver(workspace).withdraw(made.ctx.place(workspace))
    made.ctx.close()


# --- traps that run a program ----------------------------------------------------------------

Plant = Callable[[World, Path], None]
Naive = Callable[[World, Path], object]


def _hooks(world: World, tree: Path) -> None:
    folder = tree / ".git/hooks"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(world.trap, folder / name)


def _hooks_elsewhere(world: World, tree: Path) -> None:
    folder = tree / "my-hooks"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(world.trap, folder / name)
    git("config", "core.hooksPath", "my-hooks", cwd=tree)


def _setting(*pairs: tuple[str, str], attributes: str = "") -> Plant:
    def plant(world: World, tree: Path) -> None:
        if attributes:
            (tree / ".gitattributes").write_text(attributes)
        for key, value in pairs:
            git("config", key, value.replace("TRAP", world.trap), cwd=tree)

    return plant


def _included(world: World, tree: Path) -> None:
    (tree / ".git/more").write_text(f"[core]\n\tfsmonitor = {world.trap}\n")
    git("config", "include.path", "more", cwd=tree)


def _submodule(world: World, tree: Path) -> None:
    (tree / ".gitmodules").write_text(f'[submodule "s"]\n\tpath = s\n\turl = ext::{world.trap}\n')
    git("config", "protocol.ext.allow", "always", cwd=tree)
    git("config", "submodule.recurse", "true", cwd=tree)
    git("config", "submodule.s.url", f"ext::{world.trap}", cwd=tree)
    git("config", "submodule.s.active", "true", cwd=tree)
    git("config", "submodule.s.update", f"!{world.trap}", cwd=tree)
    (tree / "s").mkdir(exist_ok=True)
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},s", cwd=tree)


def _run(*arguments: str, stdin: bytes = b"") -> Naive:
    def naive(_: World, copy: Path) -> None:
        (copy / "a.txt").write_text("edited\n")
        git(*arguments, cwd=copy, ok=False, stdin=stdin)

    return naive


def _checked_out(_: World, copy: Path) -> None:
    (copy / "a.txt").unlink()
    git("checkout", "--", "a.txt", cwd=copy, ok=False)


def _merged(_: World, copy: Path) -> None:
    start = git("rev-parse", "HEAD", cwd=copy)
    for branch in ("one", "two"):
        git("checkout", "-q", "-B", branch, start, cwd=copy)
        (copy / "a.txt").write_text(f"{branch}\n")
        git("commit", "-q", "-a", "-m", branch, cwd=copy)
    git("merge", "one", cwd=copy, ok=False)


def _fetched(_: World, copy: Path) -> None:
    git("fetch", "origin", cwd=copy, ok=False)


EXECUTING: dict[str, tuple[Plant, Naive]] = {
    "hooks": (_hooks, _run("commit", "-q", "-a", "-m", "x")),
    "core.hooksPath": (_hooks_elsewhere, _run("commit", "-q", "-a", "-m", "x")),
    "core.fsmonitor": (_setting(("core.fsmonitor", "TRAP")), _run("status")),
    "filter.clean": (
        _setting(("filter.evil.clean", "TRAP"), attributes="* filter=evil\n"),
        _run("add", "-A"),
    ),
    "filter.smudge": (
        _setting(("filter.evil.smudge", "TRAP"), attributes="* filter=evil\n"),
        _checked_out,
    ),
    "filter.process": (
        _setting(
            ("filter.evil.process", "TRAP"),
            ("filter.evil.required", "true"),
            attributes="* filter=evil\n",
        ),
        _run("add", "-A"),
    ),
    "diff.external": (_setting(("diff.external", "TRAP")), _run("diff")),
    "textconv": (
        _setting(("diff.evil.textconv", "TRAP"), attributes="* diff=evil\n"),
        _run("diff"),
    ),
    "merge driver": (
        _setting(("merge.evil.driver", "TRAP"), attributes="* merge=evil\n"),
        _merged,
    ),
    "include.path": (_included, _run("status")),
    "alias": (
        _setting(("alias.carrel", "!TRAP"), ("alias.statuss", "!TRAP")),
        _run("carrel"),
    ),
    "core.sshCommand": (
        _setting(("core.sshCommand", "TRAP"), ("remote.origin.url", "ssh://127.0.0.1/x.git")),
        _fetched,
    ),
    "core.gitProxy": (
        _setting(("core.gitProxy", "TRAP"), ("remote.origin.url", "git://127.0.0.1/x.git")),
        _fetched,
    ),
    "a remote that is a program": (
        _setting(("protocol.ext.allow", "always"), ("remote.origin.url", "ext::TRAP")),
        _fetched,
    ),
    "a submodule's address": (
        _submodule,
        _run("-c", "protocol.ext.allow=always", "submodule", "update", "--init"),
    ),
    "core.editor": (_setting(("core.editor", "TRAP")), _run("commit", "-a")),
    "gpg.program": (
        _setting(("gpg.program", "TRAP"), ("commit.gpgSign", "true")),
        _run("commit", "-a", "-m", "x"),
    ),
    "credential.helper": (
        _setting(("credential.helper", "!TRAP")),
        _run("credential", "fill", stdin=b"protocol=https\nhost=x\n\n"),
    ),
}
REFUSED_LANDINGS = {
    "filter.clean": {"target_in_use"},
    "filter.smudge": {"target_in_use"},
    "filter.process": {"target_in_use"},
}
"""The user's own filter would have to write his files: the merge says so."""


ABOUT_FILES = ("core.fsmonitor", "filter.clean", "filter.process", "include.path", "hooks")
"""What a driver that asks git about the files might spring."""
CASES = [("auto", name) for name in EXECUTING] + [("checkout", name) for name in ABOUT_FILES]


@pytest.mark.parametrize(("world", "name"), CASES, indirect=["world"])
def test_nothing_is_executed(world: World, name: str) -> None:
    plant, naive = EXECUTING[name]
    plant(world, world.repository)
    naive(world, world.copy(world.repository))
    assert world.sprung(), "plain git is not caught in the user's repository"
    git("-c", "core.hooksPath=/dev/null", "add", "-A", cwd=world.copy(world.repository), ok=False)
    committed_by_the_user(world)
    world.sprung()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    plant(world, tree)
    naive(world, world.copy(tree))
    assert world.sprung(), "plain git is not caught in the workspace"
    world.everything()
    assert not world.sprung(), "a trap sprang"
    assert set(world.errors) <= REFUSED_LANDINGS.get(name, set()), world.errors


def committed_by_the_user(world: World) -> None:
    """Commit what the trap needs in the tree, with every trap disarmed."""
    harmless = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
    for kind in ("clean", "smudge", "process"):
        harmless += ["-c", f"filter.evil.{kind}="]
    harmless += ["-c", "filter.evil.required=false", "-c", "commit.gpgSign=false"]
    git(*harmless, "add", "--", "*.txt", cwd=world.repository)
    for name in (".gitattributes", ".gitmodules", "my-hooks"):
        if (world.repository / name).exists():
            git(*harmless, "add", "--", name, cwd=world.repository)
    git(*harmless, "commit", "-q", "--allow-empty", "-m", "trap", cwd=world.repository)


def test_the_users_own_settings_are_not_obeyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = world.top / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[uploadpack]\n\tpackObjectsHook = {world.trap}\n[core]\n\tfsmonitor = {world.trap}\n"
    )
    copy = world.top / "clone"
    git("clone", "-q", "--no-local", str(world.repository), str(copy), cwd="/", ok=False, home=home)
    assert world.sprung()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", world.trap)
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    world.everything()
    assert not world.sprung()
    assert not world.errors


def test_a_list_of_alternate_references_is_not_asked_for(world: World) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    git("config", "core.alternateRefsCommand", world.trap, cwd=world.tree("agent"))
    git("rev-list", "--alternate-refs", cwd=world.tree("agent"), ok=False)
    assert world.sprung()
    world.everything()
    assert not world.sprung()
    assert not world.errors


def test_names_that_look_like_options(world: World) -> None:
    evil = f"--upload-pack={world.trap}"
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    git("fetch", ".", evil, cwd=world.repository, ok=False)
    assert world.sprung(), "a naive command takes the name for an option"
    for name in ("-x", "--all", "--output=out", "-", "--", evil.replace("/", "_")):
        (tree / name).write_text("x\n")
    for name in ("-x", "--all"):
        (tree / ".git/refs/heads" / name).write_text(git("rev-parse", "HEAD", cwd=tree) + "\n")
    nested = tree / ".git/refs/heads" / evil
    nested.parent.mkdir(parents=True, exist_ok=True)
    nested.write_text(git("rev-parse", "HEAD", cwd=tree) + "\n")
    world.everything()
    assert not world.sprung()
    assert not world.errors
    names = git("ls-tree", "--name-only", "main", cwd=world.repository).splitlines()
    assert {"-x", "--all", "--output=out", "-", "--"} <= set(names)
    assert not (world.repository / "out").exists()


# --- traps that hang, or lie ------------------------------------------------------------------


def _pipe(tree: Path, name: str) -> None:
    place = tree / ".git" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)


@pytest.mark.parametrize(
    ("side", "name", "naive"),
    [
        ("agent", "refs/heads/pipe", "for-each-ref"),
        ("agent", "refs/heads/carrel/pipe", "for-each-ref"),
        ("agent", "packed-refs", "for-each-ref"),
        ("agent", "info/exclude", "status"),
        ("agent", "config-of-mine", "status"),
        ("user", "refs/heads/pipe", "for-each-ref"),
        ("user", "refs/heads/carrel/pipe", "for-each-ref"),
        ("user", "info/exclude", "status"),
        ("user", "packed-refs", "for-each-ref"),
    ],
)
def test_a_pipe_holds_nobody_up(
    world: World, side: str, name: str, naive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carrel.git.intake._GONE", 1.0)  # a minute is no hang, but too long here
    monkeypatch.setattr("carrel.git.stores._PATIENCE", 1.0)
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    _pipe(tree, name)
    if name == "config-of-mine":
        with (tree / ".git/config").open("a") as file:
            file.write(f"[include]\n\tpath = {name}\n")
    with pytest.raises(subprocess.TimeoutExpired):
        git(naive, cwd=tree, wait=0.5)
    world.everything()
    allowed = {"unsaved_files"} if side == "agent" else {"repository_unsafe", "program_timeout"}
    assert set(world.errors) <= allowed


def _rubbish(tree: Path) -> None:
    refs = tree / ".git/refs/heads"
    (refs / "rubbish").write_bytes(b"\0\xff")
    (refs / "huge").write_bytes(b"x" * 3_000_000)
    (refs / "gone").write_text("1" * 40 + "\n")
    (refs / "link").symlink_to("/etc/passwd")
    (refs / "round").write_text("ref: refs/heads/round\n")
    here = Path.cwd()
    os.chdir(refs)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)


@pytest.mark.parametrize("side", ["agent", "user"])
def test_broken_references_stop_nobody(world: World, side: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    _rubbish(tree)
    probe = world.top / "probe.git"
    git("init", "-q", "--bare", str(probe), cwd="/")
    with pytest.raises(subprocess.CalledProcessError):
        git("fetch", "-q", str(tree), "refs/heads/*:refs/x/*", cwd=probe)
    world.everything()
    assert set(world.errors) <= {"repository_unsafe" if side == "user" else "unsaved_files"}


def _index_pipe(tree: Path) -> None:
    _pipe(tree, "index")


def _index_rubbish(tree: Path) -> None:
    (tree / ".git/index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"\0" * 40)


def _index_folder(tree: Path) -> None:
    (tree / ".git/index").unlink()
    (tree / ".git/index").mkdir()


@pytest.mark.parametrize("plant", [_index_pipe, _index_rubbish, _index_folder])
def test_a_hostile_index(world: World, plant: Callable[[Path], None]) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    plant(world.tree("agent"))
    with pytest.raises((subprocess.TimeoutExpired, subprocess.CalledProcessError)):
        git("status", cwd=world.tree("agent"), wait=0.5)
    world.everything()
    assert git("show", "main:new.txt", cwd=world.repository) == "by the agent"


@pytest.mark.parametrize("side", ["agent", "user"])
def test_replaced_and_grafted_history_is_not_believed(world: World, side: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    head = git("rev-parse", "HEAD", cwd=tree)
    empty = git("mktree", cwd=tree)
    lie = git("commit-tree", "-m", "lie", empty, cwd=tree)
    git("replace", head, lie, cwd=tree)
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/grafts").write_text(f"{head} {lie}\n")
    assert git("ls-tree", "-r", head, cwd=tree) == "", "plain git believes it"
    world.everything()
    shown = git(
        "--no-replace-objects", "ls-tree", "-r", "--name-only", "main", cwd=world.repository
    )
    assert {"a.txt", "b.txt", "d/c.txt"} <= set(shown.splitlines())
    assert set(world.errors) <= ({"target_dirty"} if side == "user" else set())


# --- traps that lead outside -------------------------------------------------------------------


@pytest.mark.parametrize("side", ["agent", "user"])
def test_a_strangers_objects_are_not_imported(world: World, side: str) -> None:
    place, secret = world.stranger()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    with (tree / ".git/objects/info/alternates").open("a") as file:
        file.write(f"{place}/.git/objects\n")
    (tree / ".git/refs/heads/leak").write_text(f"{secret}\n")
    probe = world.top / "probe.git"
    git("init", "-q", "--bare", str(probe), cwd="/")
    git("fetch", "-q", str(tree), "refs/heads/leak", cwd=probe)
    assert git("cat-file", "-t", secret, cwd=probe) == "commit", "plain git takes it along"
    world.step(lambda: world.make("thief", branch="leak"))
    world.everything()
    assert {"foreign_alternate", "foreign_objects"} & set(world.errors)
    (tree / ".git/objects/info/alternates").unlink()
    assert not world.holds(secret)


@pytest.mark.parametrize("how", ["file", "link", "gone"])
def test_a_git_folder_that_leads_elsewhere(world: World, how: str) -> None:
    place, secret = world.stranger()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    shutil.rmtree(tree / ".git")
    if how == "file":
        (tree / ".git").write_text(f"gitdir: {place}/.git\n")
    elif how == "link":
        (tree / ".git").symlink_to(place / ".git")
    if how != "gone":
        assert git("rev-parse", "HEAD", cwd=tree) == secret, "plain git follows it"
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    world.everything()
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    assert not world.holds(secret)
    assert git("show", "main:new.txt", cwd=world.repository) == "by the agent"


@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_links_out_of_the_tree_are_not_followed(world: World, form: str, what: str) -> None:
    outside = world.outside()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    ctx, agent = world.ctx, find(world.ctx, "agent")
    checkpoints.checkpoint(ctx, agent, iteration=0)
    tree = world.tree("agent")
    world.make("heir", parent="agent")
    (world.tree("heir") / "d/c.txt").write_text("by the heir\n")
    (tree / "d/c.txt").write_text("changed\n")
    checkpoints.checkpoint(ctx, agent, iteration=1)
    where = outside if what == "folder" else outside / "c.txt"
    name = "d" if what == "folder" else "d/c.txt"
    target = str(where) if form == "absolute" else os.path.relpath(where, (tree / name).parent)
    shutil.rmtree(tree / "d")
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).symlink_to(target)
    naive = world.copy(outside)  # what follows links writes outside:
    (world.top / "bait").symlink_to(naive)
    (world.top / "bait/c.txt").write_text("written through")
    assert (naive / "c.txt").read_text() == "written through"
    assert (tree / "d/c.txt").read_text() == "not yours\n", "plain reading follows it"
    world.step(lambda: merging.merge(ctx, find(ctx, "heir"), CHILD_WINS))
    world.step(lambda: checkpoints.restore(ctx, agent, "iteration:1"))
    assert not (tree / name).is_symlink()
    assert (tree / "d/c.txt").read_text() == "changed\n"
    shutil.rmtree(tree / "d")
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).symlink_to(target)
    world.everything()
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"c.txt": "not yours\n"}
    leaked = git("hash-object", str(outside / "c.txt"), cwd="/")
    assert not world.holds(leaked)


def test_links_swapped_in_during_checkpoints_leak_nothing(world: World) -> None:
    outside = world.outside()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    agent, tree = find(world.ctx, "agent"), world.tree("agent")
    leaked = git("hash-object", str(outside / "c.txt"), cwd="/")
    stop, caught = threading.Event(), []

    def swap() -> None:
        while not stop.is_set():
            shutil.rmtree(tree / "d", ignore_errors=True)
            (tree / "d").symlink_to(outside)
            caught.append((tree / "d/c.txt").read_text())  # as a naive reader would
            (tree / "d").unlink()
            (tree / "d").mkdir()
            (tree / "d/c.txt").write_text("mine\n")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(12):
            (tree / "n.txt").write_text(f"{number}\n")
            world.step(lambda: checkpoints.checkpoint(world.ctx, agent))
            world.step(lambda: changes.changes(world.ctx, agent, diff=True))
    finally:
        stop.set()
        thread.join()
    assert "not yours\n" in caught
    assert not world.holds(leaked)
    assert (outside / "c.txt").read_text() == "not yours\n"
    world.everything()
    assert not world.holds(leaked)


def _tree_object(cwd: Path, *entries: tuple[bytes, bytes, str]) -> str:
    raw = b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in entries)
    return git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", cwd=cwd, stdin=raw)


PATHS = ("../esc", "..", ".git/config", ".GIT/config", "x/.git/config", "git~1/hooks/x", "./x")


@pytest.mark.parametrize(
    ("world", "side"),
    [("auto", "agent"), ("auto", "user"), ("checkout", "user")],
    indirect=["world"],
)
@pytest.mark.parametrize("path", PATHS)
def test_paths_that_lead_out_of_a_tree(world: World, side: str, path: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    oid = git("hash-object", "-w", "--stdin", cwd=tree, stdin=b"[core]\n\tevil = true\n")
    mode, parts = b"100644", path.encode().split(b"/")
    for part in reversed(parts):
        oid, mode = _tree_object(tree, (mode, part, oid)), b"40000"
    evil = git("commit-tree", "-m", "evil", oid, cwd=tree)
    git("update-ref", "refs/heads/evil", evil, cwd=tree)
    shown = git("ls-tree", "-r", "-z", "--name-only", evil, cwd=tree).rstrip("\0")
    assert shown == path, "plain git names the path, and naive code would write there"
    if side == "agent":
        git("symbolic-ref", "HEAD", "refs/heads/evil", cwd=tree)
    before = world.files()
    world.step(lambda: world.make("victim", branch="evil"))
    assert world.errors, "a workspace was made of it"
    world.errors.clear()
    world.everything()
    assert world.files() - before <= {str(world.repository / "new.txt")}
    assert "evil" not in git("config", "--list", cwd=world.repository)
    names = git("ls-tree", "-r", "--name-only", "main", cwd=world.repository).splitlines()
    assert set(names) <= {"a.txt", "b.txt", "d/c.txt", "new.txt"}
    if side == "agent":
        assert not world.holds(evil)


def test_a_linked_list_of_submodules(world: World) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    (tree / ".git/secret").write_text("[core]\n")
    (tree / ".gitmodules").symlink_to(".git/secret")
    assert (tree / ".gitmodules").read_text() == "[core]\n", "plain reading follows it"
    world.everything()
    assert set(world.errors) == {"unsaved_files"}, "it is said before it is removed"
    assert ".gitmodules" not in git("ls-tree", "--name-only", "main", cwd=world.repository)
