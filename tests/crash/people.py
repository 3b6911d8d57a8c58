"""What a state machine of agents and a user works with, and what these people do by themselves."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
)

from carrel.bootstrap import open_context
from carrel.control import (
    projects,
    workspaces,
)
from carrel.control.context import Context
from carrel.control.reconcile import reconcile
from carrel.domain.workspaces import Workspace
from carrel.errors import CarrelError

NAMES = (
    b"a.txt",
    b"d/x.txt",
    b"d",
    b"d/x.txt/deep",
    b"e/f/g.txt",
    b"\xff\xfe.bin",
    b'quo"te\n',
    b" lead",
    "ünï".encode(),
    b"-x",
)
CONTENTS = (b"", b"one\n", b"one\ntwo\nthree\n", b"\0\1\2", b"a\r\nb\r\n", b"start\n" * 6)
WHO = ("-c", "user.name=Agent", "-c", "user.email=agent@example.org")
pick = st.integers(0, 1000)
which_name = st.sampled_from(NAMES)
Listing = dict[bytes, tuple[str, str]]


def git(*arguments: str | bytes, cwd: Path | str, ok: bool = True, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", *WHO, *arguments],
        cwd=cwd,
        check=ok,
        capture_output=True,
        input=stdin,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout


def object_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def on_disk(tree: str) -> Listing:
    """Return what git should record of a folder: path to mode and object id."""
    found: Listing = {}
    top = os.fsencode(tree)
    for folder, folders, files in os.walk(top):
        if folder == top:
            folders.remove(b".git")
        for name in [*folders, *files]:
            path = folder + b"/" + name
            inner = path[len(top) + 1 :]
            if os.path.islink(path):
                found[inner] = ("120000", object_id(os.readlink(path)))
            elif not os.path.isdir(path):
                mode = "100755" if os.stat(path).st_mode & 0o100 else "100644"
                found[inner] = (mode, object_id(Path(os.fsdecode(path)).read_bytes()))
    return found


def in_commit(git_dir: str, commit: str) -> Listing:
    lines = git(f"--git-dir={git_dir}", "ls-tree", "-r", "-z", commit, cwd="/").split(b"\0")
    found: Listing = {}
    for line in filter(None, lines):
        facts, _, path = line.partition(b"\t")
        mode, _, oid = facts.decode().split()
        found[path] = (mode, oid)
    return found


class Ahead:
    """The real clock, some hours ahead."""

    def __init__(self) -> None:
        self.hours = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self.hours)

    def wait(self, seconds: float) -> None:
        raise AssertionError("nothing here has to wait")


class People(RuleBasedStateMachine):
    """Some agents and one user, each with files and git of their own."""

    driver = "auto"
    base_folder = "/tmp"

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(dir=self.base_folder))
        os.environ["CARREL_HOME"] = str(self.top / "state")
        self.repository = self.top / "project"
        self.clock = Ahead()
        self.made = 0
        self.precious: set[str] = set()  # objects that some checkpoint must have recorded
        self.trashed: dict[str, Listing] = {}  # what a workspace was when it was removed
        self.ctx = self.fresh()

    def fresh(self) -> Context:
        made = open_context(actor="machine")
        limits = replace(made.config.limits, disk_threshold_gb=0)
        made.config = replace(made.config, limits=limits, driver=self.driver)
        made.clock = self.clock
        return made

    def teardown(self) -> None:
        for workspace in workspaces.listing(self.ctx, everything=True):
            self.ctx.driver(workspace).withdraw(self.ctx.place(workspace))
        self.ctx.close()
        shutil.rmtree(self.top)

    def settle(self) -> None:
        """Reconcile; another test's namespaces may show an old mount for a moment."""
        patience = time.monotonic() + 20
        while True:
            left = [finding for finding in reconcile(self.ctx) if not finding.applied]
            if not left:
                return
            assert time.monotonic() < patience, left
            assert {finding.kind for finding in left} == {"not_mounted"}, left
            time.sleep(0.2)

    # --- what is there -----------------------------------------------------------------------

    def open_ones(self) -> list[Workspace]:
        return workspaces.listing(self.ctx)

    def chosen(self, number: int) -> Workspace | None:
        rows = self.open_ones()
        return rows[number % len(rows)] if rows else None

    def stores(self) -> Iterator[str]:
        for project in projects.listing(self.ctx):
            yield f"{project.home}/base.git"
            yield f"{project.home}/vault.git"
        yield str(self.repository / ".git")

    def reachable(self) -> set[str]:
        """Return every object that a reference of a store or of the user's leads to."""
        found: set[str] = set()
        for store in self.stores():
            lines = git(f"--git-dir={store}", "rev-list", "--objects", "--all", cwd="/")
            found |= {line[:40].decode() for line in lines.splitlines()}
        return found

    def note(self, workspace: Workspace, commit: str) -> None:
        """Compare a checkpoint with the files; from now on it all must stay reachable."""
        disk = on_disk(workspace.working_directory)
        assert in_commit(self.ctx.place(workspace).vault, commit) == disk
        self.precious |= {oid for _, oid in disk.values()}
        tree = workspace.working_directory
        known = git("rev-list", "--objects", "--all", "--reflog", cwd=tree)
        known += git("rev-list", "--objects", "HEAD", cwd=tree, ok=False)  # perhaps unborn
        self.precious |= {line[:40].decode() for line in known.splitlines()}
        staged = git("ls-files", "-s", "-z", cwd=tree).split(b"\0")
        self.precious |= {line.split()[1].decode() for line in staged if line}
        self.precious.add(commit)

    def attempt(self, action: Callable[[], object], *codes: str) -> object | None:
        """Do something that may be refused, but only with one of some codes."""
        try:
            return action()
        except CarrelError as error:
            refused = error
        assert refused.code in codes, f"{refused.code}: {refused}"
        return None

    # --- people and agents ---------------------------------------------------------------------

    def clear(self, tree: str, name: bytes) -> bytes:
        """Make room for a file: what stands in its way goes."""
        path = os.fsencode(tree)
        parts = name.split(b"/")
        for part in parts[:-1]:
            path += b"/" + part
            if os.path.islink(path) or os.path.isfile(path):
                os.unlink(path)
            os.makedirs(path, exist_ok=True)
        path += b"/" + parts[-1]
        self.delete_path(path)
        return path

    def delete_path(self, path: bytes) -> None:
        if os.path.islink(path) or os.path.isfile(path):
            os.unlink(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)

    def write(self, tree: str, name: bytes, content: bytes) -> None:
        Path(os.fsdecode(self.clear(tree, name))).write_bytes(content)

    @rule(
        number=pick,
        name=which_name,
        content=st.sampled_from(CONTENTS) | st.binary(min_size=1, max_size=9),
    )
    def writes(self, number: int, name: bytes, content: bytes) -> None:
        workspace = self.chosen(number)
        if workspace is not None:
            self.write(workspace.working_directory, name, content)

    @rule(
        number=pick,
        name=which_name,
        other=which_name,
        how=st.sampled_from(["delete", "rename", "mode", "link", "append", "same size"]),
    )
    def edits(self, number: int, name: bytes, other: bytes, how: str) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        tree = workspace.working_directory
        path = os.fsencode(tree) + b"/" + name
        if how == "delete":
            self.delete_path(path)
        elif how == "link":
            os.symlink(other, self.clear(tree, name))
        elif os.path.isfile(path) and not os.path.islink(path):
            self.edit_file(tree, path, other, how)

    def edit_file(self, tree: str, path: bytes, other: bytes, how: str) -> None:
        target = Path(os.fsdecode(path))
        content = target.read_bytes()
        if how == "rename":
            mode = target.stat().st_mode
            target.unlink()
            moved = Path(os.fsdecode(self.clear(tree, other)))
            moved.write_bytes(content)
            moved.chmod(mode)
        elif how == "mode":
            target.chmod(target.stat().st_mode ^ 0o111)
        elif how == "append":
            target.write_bytes(content + b"more\n")
        else:
            before = target.stat()
            target.write_bytes(bytes(byte ^ 1 for byte in content))
            os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(
        number=pick,
        how=st.sampled_from(
            ["commit", "amend", "hard", "soft", "add", "branch", "detach", "stash", "orphan"]
        ),
    )
    def agent_uses_git(self, number: int, how: str) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        commands: Mapping[str, tuple[tuple[str, ...], ...]] = {
            "commit": (("add", "-A"), ("commit", "-q", "--allow-empty", "-m", "mine")),
            "amend": (("commit", "-q", "-a", "--amend", "--allow-empty", "-m", "again"),),
            "hard": (("reset", "-q", "--hard", "HEAD~1"),),
            "soft": (("reset", "-q", "--soft", "HEAD~1"),),
            "add": (("add", "-A"),),
            "branch": (("checkout", "-q", "-B", "side"),),
            "detach": (("checkout", "-q", "--detach"),),
            "stash": (("stash", "-q", "-u"),),
            "orphan": (("checkout", "-q", "--orphan", f"o{number}"),),
        }
        for command in commands[how]:
            git(*command, cwd=workspace.working_directory, ok=False)

    @rule(name=which_name, content=st.sampled_from(CONTENTS), committed=st.booleans())
    def user_edits(self, name: bytes, content: bytes, committed: bool) -> None:
        self.write(str(self.repository), name, content)
        if committed:
            self.user_commits()

    @rule()
    def user_commits(self) -> None:
        git("add", "-A", cwd=self.repository)
        git("commit", "-q", "--allow-empty", "-m", "user", cwd=self.repository)
