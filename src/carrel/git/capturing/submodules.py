"""Which checked-out submodules hold no work: nothing that a clone of their origin would lack.

A checkpoint records of a submodule only the commit that it has checked out. Whether more is
there is asked only when a workspace is to be removed, and any doubt means that there is: its
commit must be the one that the workspace started with, its files and index must be that
commit's, and whatever its own git directory points to must have been seen at a remote. Its
configuration is never read; git reads its objects on a store of ours.
"""

import hashlib
import os
import stat
from collections.abc import Iterable

from carrel.domain.delta import Folder, Leaf, LeafKind
from carrel.errors import CarrelError
from carrel.git.capturing.flatten import IN_MODULES
from carrel.git.capturing.ownobjects import OwnObjects, is_mark, quoted
from carrel.git.capturing.pruning import GIT, top_folder
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.subject import Subject
from carrel.git.capturing.tips import GitFolder, Tips, read_tips
from carrel.git.capturing.view import leaves
from carrel.git.gateway import Git
from carrel.git.nofollow import Below
from carrel.git.objects import EXECUTABLE, FILE, LINK

MODULES = ".git/modules"
_MODULES = b".git/modules"
_DEEPEST = 5
_TIMEOUT = 120.0
_LARGEST_INDEX = 1 << 28
_SUBMODULE = b"160000"


def without_work(tree: Subject, paths: Iterable[str]) -> set[str]:
    """Return those of some submodules that hold no work, and `.git/modules` if none does.

    Args:
        tree: The workspace.
        paths: Submodules that are checked out, each with a slash at its end.
    """
    asked = {os.fsencode(path).rstrip(b"/") for path in paths}
    with Below(tree.home()) as below, Scratch(tree.home(), tree.stores.base) as scratch:
        look = _Look(tree, below, scratch)
        clean = {path: where for path in asked if (where := look.clean(path)) is not None}
        known = {where for where in clean.values() if where.startswith(_MODULES)}
        rest = look.modules(_MODULES, 0) - known
    found = {os.fsdecode(path) + "/" for path in clean}
    return found if rest else {*found, MODULES}


class _Look:
    """One look at the submodules of a workspace."""

    def __init__(self, tree: Subject, below: Below, scratch: Scratch) -> None:
        self.tree = tree
        self.below = below
        self.scratch = scratch
        self.top = top_folder(tree)

    def clean(self, path: bytes) -> bytes | None:
        """Return where a submodule's git directory is, if nothing in it is anybody's work."""
        where = self._git_dir(path)
        if where is None:
            return None
        folder = GitFolder([(self.below, self.top + b"/" + where)])
        tips = read_tips(folder)
        recorded = self._recorded(path)
        plain = not tips.skipped and not folder.names(b"worktrees")
        if recorded is None or tips.head != recorded or not plain:
            return None
        try:
            git = self._git(where)
            same = (
                self._all_pushed(git, tips, recorded)
                and self._index_is(git, folder, recorded)
                and self._files_are(git, path, recorded)
            )
        except (CarrelError, OSError):
            return None  # what can't be read may be work
        return where if same else None

    def modules(self, folder: bytes, depth: int) -> set[bytes]:
        """Return all git directories of submodules below a folder, checked out or not."""
        try:
            names = self.below.names(self.top + b"/" + folder)
        except FileNotFoundError:
            return set()
        except OSError:
            return {folder}
        if b"HEAD" in names or depth > _DEEPEST:
            return {folder}
        found: set[bytes] = set()
        for name in names:
            if not self._is_mark(folder, name):
                found |= self.modules(folder + b"/" + name, depth + 1)
        return found

    def _is_mark(self, folder: bytes, name: bytes) -> bool:
        """Tell whether this is an overlay's mark, such as it leaves in a folder made anew."""
        found = self.below.stat(self.top + b"/" + folder + b"/" + name)
        return found is not None and is_mark(name, found) and not stat.S_ISDIR(found.st_mode)

    def _git_dir(self, path: bytes) -> bytes | None:
        own = path + b"/" + GIT
        text = self.below.small(self.top + b"/" + own, 4096)
        if text is None:
            return own
        found = IN_MODULES.fullmatch(text)
        return None if found is None or b".." in found[1].split(b"/") else b".git/" + found[1]

    def _recorded(self, path: bytes) -> str | None:
        """Return the commit that the workspace's start has at a path."""
        start = self.tree.place.layer
        told = self.tree.stores.vault.run("ls-tree", "-z", start, "--", path).out
        facts = told.partition(b"\t")[0].split(b" ")
        return facts[2].decode() if facts[0] == _SUBMODULE else None

    def _git(self, where: bytes) -> Git:
        """Return a git of ours that reads a submodule's objects and nobody else's."""
        own = OwnObjects(self.below, self.top + b"/" + where)
        own.refuse_foreign("")
        objects = f"{self.scratch.path}/none"
        os.makedirs(objects, exist_ok=True)
        env = {
            "GIT_OBJECT_DIRECTORY": objects,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(os.fsdecode(own.objects)),
        }
        git = self.scratch.git.with_(work_tree="", env=env, timeout=_TIMEOUT)
        return git.with_(user=own.other_user())

    def _all_pushed(self, git: Git, tips: Tips, recorded: str) -> bool:
        mine = "".join(f"{oid}\n" for oid in sorted(tips.all()))
        there = "".join(f"^{oid}\n" for oid in sorted({*tips.upstream, recorded}))
        asked = ("rev-list", "--objects", "--max-count=1", "--stdin")
        return git.run(*asked, stdin=(mine + there).encode()).out == b""

    def _index_is(self, git: Git, folder: GitFolder, recorded: str) -> bool:
        data = folder.read(b"index", _LARGEST_INDEX, Tips())
        if data is None:
            return False
        with open(f"{self.scratch.path}/index", "wb") as file:
            file.write(data)
        asked = ("diff-index", "--cached", "--quiet", "--no-renames", recorded, "--")
        return git.with_(index=f"{self.scratch.path}/index").run(*asked, ok=(0, 1)).code == 0

    def _files_are(self, git: Git, path: bytes, recorded: str) -> bool:
        """Compare every file that is there with the commit, nothing ignored or left out."""
        wanted: dict[bytes, tuple[int, str]] = {}
        for line in git.run("ls-tree", "-r", "-z", recorded).out.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            mode, _, oid = facts.decode().split(" ")
            wanted[path + b"/" + name] = (int(mode, 8), oid)
        found = {
            name: self._entry(leaf, len(recorded))
            for name, leaf in leaves(self._delta(path)).items()
            if name.startswith(path + b"/") and name != path + b"/" + GIT
        }
        return found == wanted

    def _delta(self, path: bytes) -> Folder:
        def prune(folder: bytes) -> bool:
            within = folder.startswith(path + b"/") or path.startswith(folder + b"/")
            return folder == path + b"/" + GIT or not (within or folder == path)

        return self.tree.driver.delta(self.tree.place, self.tree.lowers, prune)

    def _entry(self, leaf: Leaf, digits: int) -> tuple[int, str]:
        if leaf.kind is LeafKind.OTHER:
            return 0, ""
        link = leaf.kind is LeafKind.LINK
        data = self.below.link(leaf.source) if link else self._read(leaf)
        form = hashlib.sha1 if digits == 40 else hashlib.sha256  # noqa: PLR2004
        oid = form(b"blob %d\0" % len(data) + data).hexdigest()
        return LINK if link else EXECUTABLE if leaf.executable else FILE, oid

    def _read(self, leaf: Leaf) -> bytes:
        return self.below.read(leaf.source, leaf.size)[0]
