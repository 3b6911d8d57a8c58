"""Layers: immutable checked-out trees, shared by all workspaces that start there.

A *full* layer holds every file of its commit; a *thin* one only what differs from an older
layer below it, with whiteouts (character devices 0/0, as overlay file systems know them) for
what is gone. Each brings a `.git/` with a ready index, so that a workspace on top of it is a
repository from its first moment.

On disk: `layers/<commit>/tree`, and `layers/<commit>/layer.json` written last.
"""

import json
import os
import secrets
import stat
from collections.abc import Iterable

from carrel.domain.records import dataclass
from carrel.errors import FailedError, NotFoundError, RefusedError
from carrel.git.differing import Change, differing
from carrel.git.objects import SUBMODULE
from carrel.git.storing import index, seed
from carrel.git.storing.stores import Stores
from carrel.git.storing.transport import pack_private
from carrel.system import faults, locks
from carrel.system.erase import erase

MARKER = "carrel-layer"
DEEPEST = 10
_NEW = ".new-"
_CANDIDATES = 8
_WHITEOUT = os.makedev(0, 0)
_PATIENCE = 1800.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        commit: What it shows.
        lowers: Absolute folders to mount, top first.
        has_attributes: A `.gitattributes` is in it.
        has_ignores: A `.gitignore` is in it.
        private: Its commit is not upstream history; only its descendants may stand on it.
    """

    commit: str
    lowers: tuple[str, ...]
    has_attributes: bool
    has_ignores: bool
    private: bool

    @property
    def depth(self) -> int:
        """How many folders are stacked."""
        return len(self.lowers)


class Layers:
    """The layers of one project. Safe for threads and processes.

    Args:
        stores: The project's stores.
        worth: Files that a thin layer must save to be worth its depth.
    """

    def __init__(self, stores: Stores, *, worth: int = 1000) -> None:
        self.stores = stores
        self.folder = f"{stores.home}/layers"
        self._worth = worth

    def ensure(self, commit: str) -> Layer:
        """Return the layer of a commit, made now if need be.

        Raises:
            NotFoundError: `commit_missing`.
        """
        found = self.get(commit)
        if found is not None:
            return found
        info = self.stores.vault_reader.info(f"{commit}^{{commit}}")
        if info is None or info.oid != commit:
            raise NotFoundError(
                "commit_missing",
                f"{commit} is no commit of this project.",
                cure="'carrel reconcile --dry-run' tells what is missing.",
            )
        with locks.held(self.stores.lock_path("layer-build"), timeout=_PATIENCE):
            return self.get(commit) or self._build(commit)

    def get(self, commit: str) -> Layer | None:
        """Return the layer of a commit if it is there with all that it stands on."""
        try:
            with open(f"{self.folder}/{commit}/layer.json", "rb") as file:
                told = json.load(file)
        except FileNotFoundError:
            return None
        lowers = tuple(f"{self.folder}/{one}/tree" for one in told["lowers"])
        if not all(os.path.isdir(lower) for lower in lowers):
            return None
        return Layer(
            commit, lowers, bool(told["attributes"]), bool(told["ignores"]), bool(told["private"])
        )

    def all(self) -> list[Layer]:
        """Return all layers, the youngest first."""
        names = [name for name in os.listdir(self.folder) if not name.startswith(".")]
        found = [layer for name in names if (layer := self.get(name)) is not None]
        return sorted(found, key=lambda layer: -os.stat(self._facts(layer.commit)).st_mtime_ns)

    def unused(self, used: frozenset[str]) -> list[str]:
        """Return the layers that nobody needs, in an order in which they can be dropped.

        Args:
            used: Commits of the layers that workspaces stand on.
        """
        layers = self.all()
        needed = {
            self._commit_of(lower)
            for layer in layers
            if layer.commit in used
            for lower in layer.lowers
        }
        spare = [layer for layer in layers if layer.commit not in needed]
        return [layer.commit for layer in sorted(spare, key=lambda layer: -layer.depth)]

    def size(self, commit: str) -> int:
        """Return the bytes that would be free without a layer."""
        try:
            return _size(f"{self.folder}/{commit}")
        except FileNotFoundError:  # dropped meanwhile
            return 0

    def drop(self, commit: str) -> int:
        """Delete a layer that no workspace stands on; return the bytes that are free then.

        Nothing happens when it isn't there.

        Raises:
            RefusedError: `layer_in_use` when another layer stands on it.
        """
        with locks.held(self.stores.lock_path("layer-build"), timeout=_PATIENCE):
            self.sweep()
            for layer in self.all():
                if layer.commit != commit and f"{self.folder}/{commit}/tree" in layer.lowers:
                    raise RefusedError(
                        "layer_in_use",
                        f"The layer of {commit} carries the layer of {layer.commit}.",
                        cure="Drop that one first.",
                    )
            aside = f"{self.folder}/{_NEW}{commit}-{secrets.token_hex(4)}"
            try:
                os.rename(f"{self.folder}/{commit}", aside)
            except FileNotFoundError:
                return 0
        faults.point("layers.dropped")
        freed = _size(aside)
        erase(aside)
        return freed

    def sweep(self) -> int:
        """Delete what killed builds and deletions left; return how many there were.

        The caller holds the lock on building, or nobody builds.
        """
        left = [name for name in os.listdir(self.folder) if name.startswith(_NEW)]
        for name in left:
            erase(f"{self.folder}/{name}")
        return len(left)

    def _build(self, commit: str) -> Layer:
        self.sweep()
        broken = f"{self.folder}/{commit}"
        if os.path.lexists(broken):  # it stood on something that is gone
            os.rename(broken, f"{self.folder}/{_NEW}{secrets.token_hex(4)}")
        below = self._nearest(commit)
        if below is not None:
            try:
                return self._thin(commit, *below)
            except PermissionError:  # no whiteouts here: an old kernel, or a special file system
                self.sweep()
        return self._full(commit)

    def _full(self, commit: str) -> Layer:
        draft, tree = self._draft(commit)
        seed.write(f"{tree}/.git", seed.foundation(self.stores))
        self._checkout(tree, "--reset", commit)
        faults.point("layers.checked_out")
        index.age(f"{tree}/.git/index", tree, self.stores.width, since=_second(tree))
        return self._finish(draft, commit, None)

    def _thin(self, commit: str, below: Layer, changes: list[Change]) -> Layer:
        draft, tree = self._draft(commit)
        os.mkdir(f"{tree}/.git")
        with open(f"{below.lowers[0]}/.git/index", "rb") as old:
            _write(f"{tree}/.git/index", old.read())
        self._checkout(tree, "-m", commit)
        faults.point("layers.checked_out")
        self._hide(tree, commit, changes)
        new = sorted((c.path, c.new.oid) for c in changes if c.new and c.new.mode != SUBMODULE)
        since, some = _second(tree), ((oid, path) for path, oid in new)
        index.age(f"{tree}/.git/index", tree, self.stores.width, since=since, some=some)
        return self._finish(draft, commit, below)

    def _draft(self, commit: str) -> tuple[str, str]:
        draft = f"{self.folder}/{_NEW}{commit}-{secrets.token_hex(4)}"
        os.makedirs(f"{draft}/tree")
        return draft, f"{draft}/tree"

    def _checkout(self, tree: str, how: str, commit: str) -> None:
        """Let git write files and index, with our configuration and nobody's filters."""
        git = self.stores.vault.with_(work_tree=tree, index=f"{tree}/.git/index", timeout=3600.0)
        try:
            git.run("read-tree", how, "-u", commit)
        except FailedError as error:
            raise FailedError(
                "layer_failed",
                f"The files of {commit} could not be written.",
                why=error.why,
                cure="Git refuses trees that would write outside or into .git; otherwise look "
                "for free space with 'df', and run 'carrel doctor'.",
            ) from error

    def _hide(self, tree: str, commit: str, changes: Iterable[Change]) -> None:
        """Write a whiteout for all that is gone: for whole folders where nothing is left."""
        gone = [change.path for change in changes if change.new is None]
        kept = self._folders_left(commit, gone)
        for path in sorted({_topmost(path, kept) for path in gone}):
            place = os.path.join(os.fsencode(tree), path)
            if not os.path.lexists(place) and not _below_a_file(tree, path):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                os.mknod(place, stat.S_IFCHR | 0o600, _WHITEOUT)

    def _folders_left(self, commit: str, gone: Iterable[bytes]) -> set[bytes]:
        above = sorted({folder for path in gone for folder in _above(path)})
        names = [f"{commit}:{os.fsdecode(folder)}" for folder in above]
        if any("\n" in name for name in names):  # can't be asked; a whiteout each is as good
            return set(above)
        infos = self.stores.vault_reader.infos(names)
        return {folder for folder, info in zip(above, infos, strict=True) if info is not None}

    def _finish(self, draft: str, commit: str, below: Layer | None) -> Layer:
        git_dir = f"{draft}/tree/.git"
        private = not self.stores.in_base(commit)
        _write(f"{git_dir}/HEAD", f"{commit}\n".encode())
        seed.write(git_dir, seed.references(self.stores))
        _write(f"{git_dir}/{MARKER}", f"{commit}\n".encode())
        if private:
            os.makedirs(f"{git_dir}/objects/pack", exist_ok=True)
            pack_private(self.stores, commit, f"{git_dir}/objects/pack")
        lower = [self._commit_of(one) for one in below.lowers] if below else []
        facts = {
            "lowers": [commit, *lower],
            "attributes": index.mentions(f"{git_dir}/index", b".gitattributes"),
            "ignores": index.mentions(f"{git_dir}/index", b".gitignore"),
            "private": private,
        }
        _write(f"{draft}/layer.json", json.dumps(facts).encode())
        faults.point("layers.built")
        os.rename(draft, f"{self.folder}/{commit}")
        faults.point("layers.visible")
        made = self.get(commit)
        if made is None:
            raise FailedError("layer_failed", f"The layer of {commit} vanished.", cure="Try again.")
        return made

    def _nearest(self, commit: str) -> tuple[Layer, list[Change]] | None:
        """Return the layer from which the fewest files differ, if a thin one is worth while."""
        candidates = [layer for layer in self.all() if self._may_carry(layer, commit)]
        some = candidates[:_CANDIDATES]
        found = differing(self.stores.vault, commit, [layer.commit for layer in some])
        pairs = sorted(zip(some, found, strict=True), key=lambda pair: len(pair[1]))
        for layer, changes in pairs:
            count = index.entries(f"{layer.lowers[0]}/.git/index")
            if len(changes) * 3 <= count and count - len(changes) >= self._worth:
                return layer, changes
        return None

    def _may_carry(self, layer: Layer, commit: str) -> bool:
        if layer.depth >= DEEPEST:
            return False
        if not layer.private:
            return True
        done = self.stores.vault.run("merge-base", "--is-ancestor", layer.commit, commit, ok=(0, 1))
        return done.code == 0

    def _facts(self, commit: str) -> str:
        return f"{self.folder}/{commit}/layer.json"

    def _commit_of(self, lower: str) -> str:
        return os.path.basename(os.path.dirname(lower))


def _topmost(path: bytes, kept: set[bytes]) -> bytes:
    """Return the highest folder above `path` that is gone with all it held, else `path`."""
    for folder in _above(path):
        if folder not in kept:
            return folder
    return path


def _above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[: n + 1]) for n in range(len(parts))]


def _below_a_file(tree: str, path: bytes) -> bool:
    """Tell whether a file has taken the place of a folder above: it hides what was below."""
    for folder in _above(path):
        place = os.path.join(os.fsencode(tree), folder)
        if os.path.lexists(place) and (os.path.islink(place) or not os.path.isdir(place)):
            return True
    return False


def _second(tree: str) -> int:
    """Return the present second by the clock of the file system that holds the tree."""
    probe = f"{tree}/.git/{MARKER}"
    _write(probe, b"")
    return int(os.stat(probe).st_mtime)


def _size(folder: str) -> int:
    total = 0
    todo = [folder]
    while todo:
        with os.scandir(todo.pop()) as found:
            for entry in found:
                total += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return total


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
