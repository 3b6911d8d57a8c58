"""A throwaway Carrel beside a generated repository, and the ways to time both."""

import ctypes
import os
import shutil
import stat
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from harness import repository
from harness.peer import ENVIRONMENT, git, run

from carrel import bootstrap
from carrel.control import cleanup, occupancy, projects, workspaces
from carrel.domain.workspaces import Workspace

T = TypeVar("T")

_FASTEST_FIRST = ("overlay", "user_overlay", "fuse_overlay", "snapshot", "checkout")
_LIBC = ctypes.CDLL(None, use_errno=True)
_DETACH = 2
_NEW_NAMESPACE = 0x00020000
_PRIVATE = 0x4000 | 0x40000  # with all that is mounted below
_EDIT = """
import sys
for path in sys.stdin.read().split(chr(10)):
    if path:
        with open(path, 'a') as file:
            file.write(sys.argv[1] + chr(10))
"""


class Bench:
    """Everything that measurements share.

    Attributes:
        folder: All that is made is in it, and goes with it.
        repository: What is measured on; also the project's source.
        quick: Fewer rounds, for a look.
        rungs: The ladder of drivers of this machine.
        driver: The fastest of them that works.
        carrel: The program.
    """

    def __init__(self, folder: str, source: repository.Repository, *, quick: bool) -> None:
        # Settings are read from the environment, here and in the processes that are started.
        os.environ.update(
            {
                "CARREL_HOME": f"{folder}/home",
                "CARREL_WORKSPACE_ROOT": f"{folder}/workspaces",
                "CARREL_WORKSPACE_MAX_COUNT": "5000",
                "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "1",
                "CARREL_CONFIG": f"{folder}/carrel.toml",
            }
        )
        with open(f"{folder}/carrel.toml", "wb"):
            pass

        self.folder = folder
        self.repository = source
        self.quick = quick
        self.ctx = bootstrap.open_context(actor="bench")
        self.project = projects.register(self.ctx, source.path, name="bench")
        self.rungs = self.ctx.ladder.explain(f"{folder}/workspaces")
        works = [rung.name for rung in self.rungs if rung.probe.works]
        self.driver = next(name for name in _FASTEST_FIRST if name in works)
        self.carrel = f"{os.path.dirname(sys.executable)}/carrel"
        self._names = 0

    # --- Carrel's side ---------------------------------------------------------------------

    def works(self, driver: str) -> bool:
        """Tell whether a driver works here."""
        return any(rung.name == driver and rung.probe.works for rung in self.rungs)

    def why_not(self, driver: str) -> str:
        """Return why a driver does not work here."""
        found = [rung.probe.why for rung in self.rungs if rung.name == driver]
        return f"driver {driver}: {found[0] if found else 'there is none of that name'}"

    def fresh_name(self) -> str:
        """Return a name that no agent had."""
        self._names += 1
        return f"agent-{self._names}"

    def create(self, *, driver: str | None = None, branch: str = "main") -> Workspace:
        """Create a workspace as an embedding program does."""
        return self.creator(driver=driver, branch=branch)()

    def creator(
        self, *, driver: str | None = None, branch: str = "main"
    ) -> Callable[[], Workspace]:
        """Return a function that does nothing but create a workspace."""

        request = workspaces.Request(
            self.fresh_name(), project="bench", branch=branch, driver=driver or self.driver
        )
        return lambda: workspaces.create(self.ctx, request)

    def inside(self, workspace: Workspace, command: Sequence[str]) -> bytes:
        """Run a program in a workspace, wherever its tree is visible."""

        argv, cwd = occupancy.inside(self.ctx, workspace, list(command))
        return run(argv, cwd=cwd)

    def edit(self, workspace: Workspace, numbers: Iterable[int]) -> None:
        """Let the agent append a line to some files."""
        paths = [repository.name_of(number) for number in numbers]
        if self.ctx.driver(workspace).capabilities.host_path:
            append(workspace.working_directory, paths, workspace.agent_id)
            return

        command = [sys.executable, "-c", _EDIT, workspace.agent_id]
        argv, cwd = occupancy.inside(self.ctx, workspace, command)
        subprocess.run(argv, cwd=cwd, input="\n".join(paths).encode(), check=True)

    def discard(self, done: Iterable[Workspace]) -> None:
        """Remove workspaces whose measuring is over."""

        for workspace in done:
            removal = cleanup.remove(self.ctx, workspace, preserve_branch=False, discard=True)
            cleanup.purge(self.ctx, removal.workspace)

    def shift(self) -> int:
        """Return a shift for `spread` that nobody had; even, as targets have the odd ones."""
        self._names += 1
        return 2 * self._names

    # --- git's side ------------------------------------------------------------------------

    @contextmanager
    def worktree(self, commit: str = "main") -> Iterator["Worktree"]:
        """Hold a worktree for a block; it is made when it is asked to be."""
        tree = Worktree(self.repository.path, f"{self.folder}/worktrees", self.fresh_name(), commit)
        try:
            yield tree
        finally:
            tree.discard()

    # --- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """End what runs, and detach what is mounted, whoever left it there."""

        for workspace in workspaces.listing(self.ctx):
            if workspace.driver != "overlay":  # a namespace ends with its holder
                self.ctx.driver(workspace).withdraw(self.ctx.place(workspace))
        self.ctx.close()


class Worktree:
    """One `git worktree`."""

    def __init__(self, git_dir: str, folder: str, name: str, commit: str) -> None:
        self.git_dir = git_dir
        self.path = f"{folder}/{name}"
        self.branch = f"worktree/{name}"
        self.commit = commit

    def add(self) -> None:
        """Make it."""
        git(
            self.git_dir, "worktree", "add", "-q", "--no-track", "-b", self.branch, self.path,
            self.commit,
        )  # fmt: skip

    def remove(self) -> None:
        """Let git remove it."""
        git(self.git_dir, "worktree", "remove", "--force", self.path)

    def discard(self) -> None:
        """Take it away if it is still there."""
        if os.path.isdir(self.path):
            self.remove()


def append(tree: str, paths: Iterable[str], words: str) -> None:
    """Append a line to files of a tree."""
    for path in paths:
        with open(f"{tree}/{path}", "a", encoding="utf-8") as file:
            file.write(f"said by {words}\n")


def timed(action: Callable[[], object], *, settle: bool = True) -> float:
    """Return the milliseconds that something takes.

    Args:
        action: What.
        settle: Write out first what others have left unwritten, so that nobody pays for it.
    """
    return answered(action, settle=settle)[0]


def answered(action: Callable[[], T], *, settle: bool = True) -> tuple[float, T]:
    """Do what `timed` does, and return the action's answer too."""
    if settle:
        os.sync()
    began = time.perf_counter()
    answer = action()
    return (time.perf_counter() - began) * 1000, answer


def median_of(count: int, make: Callable[[], Callable[[], object]]) -> float:
    """Time `count` actions, each prepared by `make` outside the time; return the median."""
    return statistics.median(timed(make(), settle=n == 0) for n in range(count))


def allocated(folder: str) -> int:
    """Return the bytes on disk below a folder, not counting what is mounted in it."""
    device = os.lstat(folder).st_dev
    total, todo = 0, [folder]
    while todo:
        here = todo.pop()
        info = os.lstat(here)
        if info.st_dev != device:
            continue
        total += info.st_blocks * 512
        # The kernel's own scratch folder of an overlay is closed to everybody, and empty.
        if stat.S_ISDIR(info.st_mode) and os.access(here, os.R_OK):
            todo += [entry.path for entry in os.scandir(here)]
    return total


def sweep(folder: str) -> None:
    """Detach every mount below a folder, then delete it."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as table:
        points = [line.split(" ")[1].replace("\\040", " ") for line in table]
    for point in sorted(points, reverse=True):
        if point.startswith(f"{folder}/"):
            _LIBC.umount2(os.fsencode(point), _DETACH)
    for _ in range(3):  # whatever deletes in the background may be at it too
        shutil.rmtree(folder, onerror=_unlock)
        if not os.path.isdir(folder):
            return


def _unlock(_: object, path: str, __: object) -> None:
    """Make a read-only folder writable and try again."""
    try:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    except OSError:
        return


def hide_mounts() -> None:
    """Move into a mount namespace of our own; what is mounted in it ends with us.

    Nobody else's namespace gets a copy of our mounts, which would keep them alive.
    """
    if os.geteuid() == 0 and _LIBC.unshare(_NEW_NAMESPACE) == 0:
        _LIBC.mount(b"none", b"/", None, _PRIVATE, None)


def environment() -> dict[str, str]:
    """Return the environment of a `carrel` that a person starts here."""
    kept = ("CARREL_", "PYTHONPATH")
    ours = {key: value for key, value in os.environ.items() if key.startswith(kept)}
    return ENVIRONMENT | ours
