"""Whatever is done in whatever order: what was once checkpointed can always be reached.

The machine keeps a list of every object that a checkpoint must have recorded, computed by
itself from the files, and asks git, not Carrel, whether a reference still leads to it.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.crash.people import NAMES, Listing, People, git, in_commit, on_disk, pick

from carrel.control import (
    changes,
    checkpoints,
    cleanup,
    ledger,
    merging,
    prediction,
    projects,
    retention,
    workspaces,
)
from carrel.control.finding import reread
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.workspaces import Workspace
from carrel.system import faults

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(3000)]

LONG = int(os.environ.get("CARREL_LONG", "0"))
"""So many examples instead of a few, for a night."""

POINTS = (
    "create.reserved",
    "create.tree",
    "create.refs",
    "checkpoint.captured",
    "checkpoint.referenced",
    "checkpoint.adopted",
    "merge.planned",
    "merge.landed",
    "land.base",
    "checkout.file",
    "checkout.branch",
    "join.planned",
    "join.files",
    "join.branch",
    "place.removed",
    "place.unlinked",
    "restore.saved",
    "apply.placed",
    "remove.kept",
    "remove.noted",
    "remove.withdrawn",
    "remove.aside",
    "trash.renamed",
    "trash.presented",
    "stores.commit",
)


class Machine(People):
    """Everything that people and Carrel can do to each other."""

    @initialize()
    def start(self) -> None:
        self.repository.mkdir()
        git("init", "-q", "-b", "main", cwd=self.repository)
        for name in NAMES[:2]:
            self.write(str(self.repository), name, b"start\n" * 6)
        self.user_commits()
        projects.register(self.ctx, str(self.repository))
        self.new()

    @rule()
    def new(self) -> None:
        self.made += 1
        name = f"agent-{self.made}"
        made = workspaces.create(self.ctx, workspaces.Request(agent_id=name))
        start = in_commit(self.ctx.place(made).vault, made.parent_commit)
        assert on_disk(made.working_directory) == start

    @rule(number=pick)
    def child(self, number: int) -> None:
        parent = self.chosen(number)
        if parent is None:
            return
        self.made += 1
        wanted = workspaces.Request(agent_id=f"agent-{self.made}", parent=parent.workspace_id)
        made = self.attempt(lambda: workspaces.create(self.ctx, wanted), "max_depth")
        if isinstance(made, Workspace):
            parents = on_disk(parent.working_directory)
            assert on_disk(made.working_directory) == parents
            self.note(parent, made.parent_commit)

    @rule(number=pick, iteration=st.none() | st.integers(0, 2))
    def checkpoint(self, number: int, iteration: int | None) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        tree = workspace.working_directory
        index = Path(tree, ".git/index").read_bytes()
        head = git("rev-parse", "HEAD", cwd=tree, ok=False)
        known = {row.iteration for row in checkpoints.listing(self.ctx, workspace)}
        info = checkpoints.checkpoint(self.ctx, workspace, iteration=iteration)
        assert Path(tree, ".git/index").read_bytes() == index
        assert git("rev-parse", "HEAD", cwd=tree, ok=False) == head
        if iteration is None or iteration not in known:
            self.note(workspace, info.commit_sha)

    @rule(number=pick)
    def look(self, number: int) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        found = changes.changes(self.ctx, workspace, diff=True)
        now = on_disk(workspace.working_directory)
        then = in_commit(self.ctx.place(workspace).vault, workspace.parent_commit)
        differing = {path for path in now.keys() | then.keys() if now.get(path) != then.get(path)}
        told = {*found.files_created, *found.files_modified, *found.files_deleted}
        told |= {name for pair in found.files_renamed for name in pair}
        told |= {new for _, new in found.files_copied}
        assert {os.fsencode(path) for path in told} == differing

    @rule(number=pick, strategy=st.sampled_from(list(Strategy)[:5]), far=st.booleans())
    def merge(self, number: int, strategy: Strategy, far: bool) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        inner = workspace.parent_id is not None and not far
        request = MergeRequest(into=None if inner else "main", rules=Rules(default=strategy))
        before, untracked = self.user_state(), self.untracked()
        result = self.attempt(
            lambda: merging.merge(self.ctx, workspace, request),
            *(("parent_gone",) if inner else ("target_dirty",)),
        )
        saved = reread(self.ctx, workspace)
        self.note(saved, saved.head_commit)
        if result is None or result.status == "conflicts_left":
            assert self.user_state() == before, "nothing landed, and something changed"
            return
        if inner:
            parent = reread(
                self.ctx, next(w for w in self.open_ones() if w.workspace_id == saved.parent_id)
            )
            self.note(parent, parent.head_commit)
            tip, where = parent.head_commit, self.ctx.place(parent).vault
        elif git("for-each-ref", cwd=self.repository) == before[0]:
            assert self.user_state() == before, "there was nothing to land, and something changed"
            tip, where = "main", str(self.repository / ".git")
        else:
            assert git("status", "--porcelain", "-uno", cwd=self.repository) == b""
            now = on_disk(str(self.repository))
            assert {path: now.get(path) for path in untracked} == untracked
            tip, where = "main", str(self.repository / ".git")
        git(f"--git-dir={where}", "merge-base", "--is-ancestor", saved.head_commit, tip, cwd="/")

    def user_state(self) -> tuple[bytes, Listing, bytes]:
        refs = git("for-each-ref", cwd=self.repository)
        state = git("status", "--porcelain", "-z", cwd=self.repository)
        return refs, on_disk(str(self.repository)), state

    def untracked(self) -> Listing:
        names = git("ls-files", "-o", "-z", cwd=self.repository).split(b"\0")
        return {path: one for path, one in on_disk(str(self.repository)).items() if path in names}

    @rule()
    def predict(self) -> None:
        rows = self.open_ones()
        prediction.predict(self.ctx, rows)
        for row in rows:
            self.note(row, reread(self.ctx, row).head_commit)

    @rule(number=pick, back=pick)
    def restore(self, number: int, back: int) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        before = on_disk(workspace.working_directory)
        rows = checkpoints.listing(self.ctx, workspace)
        names = ["start", *[str(row.number) for row in rows]]
        done = checkpoints.restore(self.ctx, workspace, names[back % len(names)])
        vault = self.ctx.place(workspace).vault
        assert in_commit(vault, done.saved.commit_sha) == before
        assert on_disk(workspace.working_directory) == in_commit(vault, done.commit_sha)
        self.precious |= {oid for _, oid in before.values()}

    @rule(number=pick, keep=st.booleans(), discard=st.booleans())
    def remove(self, number: int, keep: bool, discard: bool) -> None:
        workspace = self.chosen(number)
        if workspace is None:
            return
        before = on_disk(workspace.working_directory)
        removed = self.attempt(
            lambda: cleanup.remove(self.ctx, workspace, preserve_branch=keep, discard=discard),
            *(() if keep or discard else ("unmerged_work",)),
        )
        self.precious |= {oid for _, oid in before.values()}
        if removed is None:
            return
        self.trashed[workspace.workspace_id] = before
        if keep:
            place = str(self.repository / ".git")
            assert in_commit(place, f"refs/heads/{removed.branch_name}") == before

    @rule(number=pick)
    def bring_back(self, number: int) -> None:
        rows = cleanup.trash(self.ctx)
        if rows:
            row = rows[number % len(rows)]
            back = cleanup.restore_from_trash(self.ctx, row.workspace_id)
            if row.workspace_id in self.trashed:
                assert on_disk(back.working_directory) == self.trashed.pop(row.workspace_id)

    @rule(hours=st.sampled_from([1, 30, 2000]))
    def time_passes(self, hours: int) -> None:
        self.clock.hours += hours
        before = {row.workspace_id: on_disk(row.working_directory) for row in self.open_ones()}
        for deed in retention.tend(self.ctx):
            assert deed.done, deed
        for listing in before.values():  # a caretaker's round checkpoints or removes them all
            self.precious |= {oid for _, oid in listing.values()} if hours > 1 else set()
        gone = before.keys() - {row.workspace_id for row in self.open_ones()}
        self.trashed |= {one: before[one] for one in gone}

    @rule()
    def reboot(self) -> None:
        before = {row.workspace_id: on_disk(row.working_directory) for row in self.open_ones()}
        for row in self.open_ones():
            self.ctx.driver(row).withdraw(self.ctx.place(row))
        self.ctx.close()
        self.ctx = self.fresh()
        self.settle()
        for row in self.open_ones():
            assert on_disk(workspaces.path(self.ctx, row)) == before[row.workspace_id]

    @rule(
        number=pick,
        point=st.sampled_from(POINTS),
        times=st.integers(0, 2),
        what=st.sampled_from(["create", "child", "checkpoint", "merge", "restore", "rm", "trash"]),
    )
    def killed(self, number: int, point: str, times: int, what: str) -> None:
        """Die somewhere in the middle, reconcile, go on."""
        workspace, rows = self.chosen(number), cleanup.trash(self.ctx)
        self.made += 1
        name = f"agent-{self.made}"
        new = workspaces.Request(agent_id=name)
        actions: dict[str, Callable[[], object]] = {
            "create": lambda: workspaces.create(self.ctx, new)
        }
        if workspace is not None:
            heir = replace(new, parent=workspace.workspace_id)
            actions |= {
                "child": lambda: workspaces.create(self.ctx, heir),
                "checkpoint": lambda: checkpoints.checkpoint(self.ctx, workspace),
                "merge": lambda: merging.merge(self.ctx, workspace, MergeRequest()),
                "restore": lambda: checkpoints.restore(self.ctx, workspace, "start"),
                "rm": lambda: cleanup.remove(self.ctx, workspace),
            }
        if rows:
            row = rows[number % len(rows)]
            actions["trash"] = lambda: cleanup.restore_from_trash(self.ctx, row.workspace_id)
        if what not in actions:
            return
        # What is on the disk now must be in a checkpoint or on the disk afterwards.
        before = {
            oid for row in self.open_ones() for _, oid in on_disk(row.working_directory).values()
        }
        child = os.fork()
        if child == 0:
            try:
                faults.arm(f"{point}:{times}")
                actions[what]()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        self.ctx.close()
        self.ctx = self.fresh()
        self.settle()
        trees = [row.working_directory for row in self.open_ones()]
        trees += [f"{cleanup.trash_folder(self.ctx, row)}/tree" for row in cleanup.trash(self.ctx)]
        still = {
            oid
            for tree in trees
            if os.path.lexists(f"{tree}/.git")
            for _, oid in on_disk(tree).values()
        }
        assert before <= self.reachable() | still

    # --- the laws --------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        missing = self.precious - self.reachable()
        assert not missing, f"unreachable: {sorted(missing)}"

    @invariant()
    def every_workspace_is_usable(self) -> None:
        for row in self.open_ones():
            assert row.state == "active"
            git("status", "--porcelain", cwd=workspaces.path(self.ctx, row))
            vault = self.ctx.place(row).vault
            head = git(
                f"--git-dir={vault}",
                "rev-parse",
                f"refs/carrel/ws/{row.workspace_id}/head",
                cwd="/",
            )
            assert head.decode().strip() == row.head_commit

    @invariant()
    def the_books_are_in_order(self) -> None:
        assert ledger.verify(self.ctx).broken_at is None
        assert reconcile(self.ctx, dry_run=True) == []
        for store in self.stores():
            git(f"--git-dir={store}", "fsck", "--strict", "--no-dangling", cwd="/")


@pytest.mark.parametrize("driver", ["auto", "checkout"])
def test_nothing_checkpointed_is_ever_lost(
    driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", "unset")

    class OnDriver(Machine):
        base_folder = str(tmp_path)

    OnDriver.driver = driver
    run_state_machine_as_test(
        OnDriver,
        settings=settings(
            max_examples=LONG or 5,
            stateful_step_count=40 if LONG else 12,
            deadline=None,
            derandomize=not LONG,
            database=None,
            print_blob=True,
            phases=[Phase.generate],  # a failing run is read as it is: shrinking takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
