"""Moving a branch that is checked out in the user's own clone: files, index and branch.

Nothing is touched unless the work tree is clean. The order makes every instant explainable:

1. the journal is written: from here `recover` can finish or undo;
2. `index.lock` is taken, so no git command of the user changes the index meanwhile;
3. the branch is locked at its old value (a prepared transaction), so no race can be lost later;
4. each file, staged beside, is renamed into place: it is the old one or the new one;
5. the new index is renamed into place;
6. the branch moves.

Killed in 4, `git status` shows edits that are part of the merge, and `recover` takes them back.
Killed after 5, it shows the merge as staged, and `recover` moves the branch. A file that
somebody edited in between is left alone.
"""

import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict

from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.git import refs
from carrel.git.differing import Change, differing, text
from carrel.git.gateway import Git
from carrel.git.landing import clones, files
from carrel.git.landing.clones import Checkout
from carrel.git.objects import SUBMODULE
from carrel.git.refs import Move, Refs
from carrel.git.storing import index
from carrel.git.storing.sources import Repository
from carrel.git.storing.stores import Stores
from carrel.system import faults, locks
from carrel.system.erase import erase

_SHOWN = 5
_PLAIN_INDEX = 2
_INDEX_MODE = 0o644
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Journal:
    """What an update is about; enough to finish it or take it back.

    Attributes:
        git_dir: Git directory of the work tree.
        work_tree: The files.
        ref: Full name of the branch.
        old: Commit it had.
        new: Commit it gets.
        stage: Folder beside the index with what is prepared; its file `lock` is our name for
            git's `index.lock`, its file `begun` says that the real files were touched.
    """

    git_dir: str
    work_tree: str
    ref: str
    old: str
    new: str
    stage: str


@dataclass(frozen=True, slots=True)
class Trees:
    """Object ids of what a branch shows and of what it would get: commits, or their trees."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Hands:
    """What acts on the user's repository.

    Attributes:
        mover: Moves its references.
        bring: Gives it the objects, once it is clear that the work tree is clean.
    """

    mover: Refs
    bring: Callable[[], None]


def update(stores: Stores, where: Repository, checkout: Checkout, move: Move, hands: Hands) -> bool:
    """Move a checked-out branch with its files; False when it was not where it had to be.

    Args:
        stores: The project's stores; `base` has both commits.
        where: The user's repository.
        checkout: The work tree that shows the branch.
        move: Branch, new and old commit.
        hands: What acts on the user's repository.

    Raises:
        RefusedError: `target_dirty` or `target_in_use`; nothing has changed.
    """
    branch = move.ref.removeprefix("refs/heads/")
    with locks.held(stores.lock_path("checkout"), timeout=_PATIENCE):
        clones.refuse_busy(checkout, branch)
        stage = f"{checkout.git_dir}/carrel-landing-{secrets.token_hex(4)}"
        plan = Journal(checkout.git_dir, checkout.work_tree, move.ref, move.old, move.new, stage)
        journal = f"{_journals(stores)}/{os.path.basename(stage)}"
        _durable(journal, json.dumps(asdict(plan)).encode())
        try:
            return _update(_Desk(stores, where, plan), hands, branch)
        finally:
            _let_go(plan)
            os.unlink(journal)


def check(stores: Stores, where: Repository, checkout: Checkout, ref: str, trees: Trees) -> None:
    """Refuse what `update` would refuse, reading only: the clone gets no file, no lock.

    Args:
        stores: The project's stores; `vault` has both trees.
        where: The user's repository.
        checkout: The work tree that shows the branch.
        ref: Full name of the branch.
        trees: What it shows, and what it would get.

    Raises:
        RefusedError: `target_dirty` or `target_in_use`.
    """
    branch = ref.removeprefix("refs/heads/")
    clones.refuse_busy(checkout, branch)
    with tempfile.TemporaryDirectory(prefix="carrel-check-") as stage:
        plan = Journal(checkout.git_dir, checkout.work_tree, ref, trees.old, trees.new, stage)
        desk = _Desk(stores, where, plan)
        desk.git = desk.git.with_(git_dir=stores.vault.git_dir)
        desk.prepare_index(desk.clean_changes(branch))


def _update(desk: "_Desk", hands: Hands, branch: str) -> bool:
    plan, mover = desk.plan, hands.mover
    try:
        faults.point("checkout.journal")
        _lock_index(plan, branch)
        faults.point("checkout.locked")
        changes = desk.clean_changes(branch)
        desk.prepare(changes)
        hands.bring()
        faults.point("checkout.prepared")
        move = Move(plan.ref, plan.new, plan.old)
        if not mover.prepare([move]):
            mover.refuse_stuck([move])
            return False
        faults.point("checkout.branch_locked")
        _durable(f"{plan.stage}/begun", b"")
        desk.apply(changes)
        desk.refresh()
        faults.point("checkout.files")
        desk.put_index()
        faults.point("checkout.index")
        mover.commit()
        faults.point("checkout.branch")
    except BaseException:
        mover.abort()
        _put_right(desk)
        raise
    return refs.tip(Git(desk.where.common), plan.ref) == plan.new or _finished(desk)


def recover(stores: Stores, where: Repository) -> list[str]:
    """Finish or take back updates whose process died; return what was done, in sentences."""
    folder = _journals(stores)
    if not os.listdir(folder):
        return []
    told: list[str] = []
    with locks.held(stores.lock_path("checkout"), timeout=_PATIENCE):
        for name in sorted(os.listdir(folder)):
            with open(f"{folder}/{name}", "rb") as file:
                words = file.read()
            if words:  # an empty one was being written: nothing had happened yet
                plan = Journal(**json.loads(words))
                how = _put_right(_Desk(stores, where, plan))
                faults.point("checkout.recovered")
                _let_go(plan)
                told.append(f"The update of {plan.work_tree} to {plan.new[:12]} {how}.")
            os.unlink(f"{folder}/{name}")
    return told


class _Desk:
    """Works on one checkout with our own configuration and a copy of its index."""

    def __init__(self, stores: Stores, where: Repository, plan: Journal) -> None:
        self.where = where
        self.plan = plan
        self.stores = stores
        self.owner = owner_of(where)
        self.staged: list[tuple[str, bytes, os.stat_result]] = []
        self.git = Git(
            stores.base.git_dir,
            work_tree=plan.work_tree,
            index=f"{plan.stage}/new",
            env=clones.settings(where),
        )

    def clean_changes(self, branch: str) -> list[Change]:
        """Return what will change, after proving that nothing of it is in somebody's way."""
        plan = self.plan
        own = f"{plan.git_dir}/index"
        if os.path.exists(own):
            shutil.copyfile(own, f"{plan.stage}/new")
        stale = self.git.run("update-index", "--really-refresh", ok=(0, 1)).code
        staged = self.git.run("diff-index", "--cached", "--quiet", plan.old, "--", ok=(0, 1)).code
        if stale or staged:
            raise self._dirty(branch, self._edited())
        if self._sparse():
            raise clones.in_use(
                plan.work_tree,
                branch,
                "it is a sparse checkout",
                cure="Check out another branch there, or end it with 'git sparse-checkout "
                "disable', then merge again.",
            )
        changes = differing(self.git, plan.new, [plan.old])[0]
        in_the_way = [text(path) for path in files.obstacles(plan.work_tree, changes)]
        if in_the_way:
            raise self._dirty(branch, in_the_way)
        return changes

    def prepare_index(self, changes: Sequence[Change]) -> None:
        """Write the new index beside the real one, and refuse what a filter would write."""
        # The index equals the old tree, so the differences make it the new one; reading the
        # whole new tree would take ten times as long.
        self.git.run("update-index", "--replace", "-z", "--index-info", stdin=self._lines(changes))
        self._refuse_filtered(changes)

    def prepare(self, changes: Sequence[Change]) -> None:
        """Write the new index and the new files beside the real ones."""
        plan = self.plan
        self.prepare_index(changes)
        files.stage_files(self.git, changes, f"{plan.stage}/files")
        if self.owner is not None:
            files.give(plan.stage, self.owner)
        new = sorted((c.path, c.new.oid) for c in changes if c.new and c.new.mode != SUBMODULE)
        folder = os.fsencode(f"{plan.stage}/files")
        self.staged = [(oid, path, os.lstat(os.path.join(folder, path))) for path, oid in new]

    def apply(self, changes: Sequence[Change]) -> None:
        """Take away what is gone, then rename the new files into place."""
        files.replace(self.plan.work_tree, f"{self.plan.stage}/files", changes, self.owner)

    def refresh(self) -> None:
        """Let the new index know the new files, or have git read them if they changed again."""
        width = self.stores.width
        if not index.stamp(self.git.index, self.plan.work_tree, width, self.staged):
            self.git.run("update-index", "-q", "--refresh", ok=(0, 1))

    def put_index(self) -> None:
        """Rename the new index into place and free it."""
        own, fresh = f"{self.plan.git_dir}/index", f"{self.plan.stage}/new"
        mode = stat.S_IMODE(os.stat(own).st_mode) if os.path.exists(own) else _INDEX_MODE
        os.chmod(fresh, mode)
        if self.owner is not None:
            os.chown(fresh, self.owner, -1)
        os.rename(fresh, own)

    def _sparse(self) -> bool:
        """Tell whether git was told to leave some files out (only later formats can say it)."""
        if not os.path.exists(self.git.index) or index.version(self.git.index) == _PLAIN_INDEX:
            return False
        return b"\0S " in b"\0" + self.git.run("ls-files", "-t", "-z").out

    def _lines(self, changes: Sequence[Change]) -> bytes:
        """Write changes as `update-index --index-info` reads them, what goes before what comes."""
        nothing = refs.zeros(self.stores.width).encode()
        gone = [b"0 %s\t%s\0" % (nothing, c.path) for c in changes if c.new is None]
        come = [b"%o %s\t%s\0" % (c.new.mode, c.new.oid.encode(), c.path) for c in changes if c.new]
        return b"".join([*gone, *come])

    def _edited(self) -> list[str]:
        out = self.git.run("diff-index", "--name-only", "-z", self.plan.old, "--").out
        return [text(path) for path in out.split(b"\0") if path]

    def _refuse_filtered(self, changes: Sequence[Change]) -> None:
        paths = [change.path for change in changes if change.new is not None]
        if not paths or not index.mentions(self.git.index, b".gitattributes"):
            return
        out = self.git.run(
            "check-attr", "--cached", "-z", "--stdin", "filter", stdin=b"\0".join(paths) + b"\0"
        ).out.split(b"\0")
        filtered = [
            text(path)
            for path, value in zip(out[0::3], out[2::3], strict=False)
            if value not in {b"unspecified", b"unset"}
        ]
        if filtered:
            raise clones.in_use(
                self.plan.work_tree,
                self.plan.ref.removeprefix("refs/heads/"),
                f"a filter of yours would have to write {_few(filtered)}",
                cure="Check out another branch there, merge, and check this one out again.",
            )

    def _dirty(self, branch: str, paths: Sequence[str]) -> RefusedError:
        return RefusedError(
            "target_dirty",
            f"{branch} is checked out in {self.plan.work_tree}, with work that is not committed.",
            why=f"In the way: {_few(paths)}." if paths else "",
            cure="Commit, stash or move it there (or check out another branch), then merge again.",
        )


def owner_of(where: Repository) -> int | None:
    """Return the user who must own what we write into a repository, if it isn't us."""
    user = os.stat(where.common).st_uid
    return user if os.geteuid() == 0 and user != 0 else None


def _lock_index(plan: Journal, branch: str) -> None:
    """Take git's own lock on the index, as a second name of a file that we know again."""
    os.mkdir(plan.stage, 0o700)
    own = f"{plan.stage}/lock"
    os.close(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _INDEX_MODE))
    try:
        os.link(own, f"{plan.git_dir}/index.lock")
    except FileExistsError:
        why = "another git command runs there"
        raise clones.in_use(plan.work_tree, branch, why) from None


def _let_go(plan: Journal) -> None:
    lock, own = f"{plan.git_dir}/index.lock", f"{plan.stage}/lock"
    if os.path.exists(own) and os.path.exists(lock) and os.path.samefile(own, lock):
        os.unlink(lock)
    faults.point("checkout.unlocked")
    if os.path.lexists(plan.stage):
        erase(plan.stage)


def _put_right(desk: _Desk) -> str:
    """Take back what was begun, or move the branch if files and index are there already."""
    plan = desk.plan
    if not os.path.exists(f"{plan.stage}/begun"):
        return "had not begun"
    if os.path.exists(f"{plan.stage}/new"):
        _take_back(desk, plan)
        return "was taken back"
    return "was finished" if _finished(desk) else "was overtaken by what happened there since"


def _finished(desk: _Desk) -> bool:
    """Move the branch to where files and index are, if it is still where it was."""
    plan = desk.plan
    now = refs.tip(Git(desk.where.common), plan.ref)
    own = desk.git.with_(index=f"{plan.git_dir}/index")
    if now != plan.old:
        return now == plan.new
    if own.run("diff-index", "--cached", "--quiet", plan.new, "--", ok=(0, 1)).code:
        return False
    _, mover = desk.stores.foreign(desk.where.common, desk.owner)
    return mover.move([Move(plan.ref, plan.new, plan.old)])


def _take_back(desk: _Desk, plan: Journal) -> None:
    """Give each file that is as the merge made it its old content; leave all others alone."""
    changes = differing(desk.git, plan.new, [plan.old])[0]
    judge = desk.git.with_(index=f"{plan.stage}/judge")
    judge.run("read-tree", plan.new)
    judge.run("update-index", "-q", "--refresh", ok=(0, 1))
    other = set(judge.run("diff-files", "--name-only", "-z").out.split(b"\0"))
    root = os.fsencode(plan.work_tree)
    back: list[Change] = []
    for change in changes:
        place = os.path.join(root, change.path)
        ours = not os.path.lexists(place) if change.new is None else change.path not in other
        if ours:
            back.append(Change(change.path, change.new, change.old))
    before = desk.git.with_(index=f"{plan.stage}/before")
    before.run("read-tree", plan.old)
    files.stage_files(before, back, f"{plan.stage}/back")
    if desk.owner is not None:
        files.give(plan.stage, desk.owner)
    files.replace(plan.work_tree, f"{plan.stage}/back", back, desk.owner)


def _journals(stores: Stores) -> str:
    folder = f"{stores.home}/landings"
    os.makedirs(folder, exist_ok=True)
    return folder


def _durable(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(repr(path) for path in paths[:_SHOWN]) + more
