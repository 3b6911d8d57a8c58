"""Finds what changed in a full tree by an index of ours, apart from the occupant's own.

The index stays as it was when the tree was made, so `git diff-files` compares with the start,
whatever was staged or committed since. It runs on the store of upstream history: nothing
that the occupant configured is read.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable

from carrel.backends.local.upper import leaf
from carrel.domain.delta import Folder, Gone, Node
from carrel.domain.workspaces import Place
from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.system import faults

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 256
_SUBMODULE = b"160000"


def index_of(place: Place) -> str:
    """Return our own index of a workspace."""
    return f"{place.home}/index"


def keep_index(place: Place, git_dir: str) -> None:
    """Copy the index of a tree that was just made.

    Its time of writing is copied with it: by that time git tells which files may have been
    changed in the same instant.
    """
    temporary = f"{index_of(place)}.new"
    shutil.copyfile(f"{git_dir}/index", temporary)
    times = os.stat(f"{git_dir}/index")
    os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
    faults.point("driver.index")
    os.rename(temporary, index_of(place))


def changes(place: Place, prune: Callable[[bytes], bool]) -> Folder:
    """Return what differs from the start, as `Driver.delta` does."""
    if not os.path.isdir(place.tree) or not os.path.exists(index_of(place)):
        raise FailedError(
            "tree_missing",
            f"The tree of {place.workspace_id} is not complete at {place.home}.",
            cure="Run 'carrel reconcile'.",
        )
    git = Git(git_dir=place.base, work_tree=place.tree, index=index_of(place))
    found = _Found(os.fsencode(place.tree), prune)
    raw = git.run("diff-files", "-z", "--raw", "--no-renames", "--ignore-submodules=all")
    for path in raw.out.split(b"\0")[1::2]:
        found.tracked(path)
    others = git.run("ls-files", "-z", "--others", "--directory")
    for path in others.out.split(b"\0"):
        if path and path not in (b".git", b".git/"):
            found.untracked(path)
    listed = git.run("ls-files", "-z", "--stage").out
    for path in _submodules(listed):
        found.inside(path)
    for path in _special(found.tree, _folders(listed)):
        found.untracked(path)
    return Folder(b"", found.children)


def check_out(git: Git, commit: str) -> None:
    """Let git write all files of a commit, and an index of them.

    Args:
        git: On the tree and its own `.git/`.
        commit: What to write.

    Raises:
        FailedError: `layer_failed`: as of a layer whose files can't be written.
    """
    workers = f"checkout.workers={len(os.sched_getaffinity(0))}"
    try:
        git.run("-c", workers, "read-tree", "-u", "--reset", commit)
    except FailedError as error:
        raise FailedError(
            "layer_failed",
            f"The files of {commit} could not be written.",
            why=error.why,
            cure="Git refuses trees that would write outside or into .git; otherwise look "
            "for free space with 'df', and run 'carrel doctor'.",
        ) from error


def _folders(listed: bytes) -> set[bytes]:
    """Return the folders that hold a file of the start, at any depth."""
    found = {b""}
    for row in listed.split(b"\0"):
        folder = row.partition(b"\t")[2].rpartition(b"/")[0]
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition(b"/")[0]
    return found


def _special(tree: bytes, folders: set[bytes]) -> list[bytes]:
    """Return FIFOs, sockets and devices beside files of the start: git passes them over."""
    found: list[bytes] = []

    def look(handle: int, above: bytes) -> None:
        with os.scandir(handle) as entries:
            for entry in entries:
                path = above + os.fsencode(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if path in folders:
                        enter(entry.name, handle, path)
                elif not (entry.is_symlink() or entry.is_file(follow_symlinks=False)):
                    found.append(path)

    def enter(name: str, above: int, path: bytes) -> None:
        try:
            handle = os.open(name, _FOLDER, dir_fd=above)
        except OSError:
            return  # it was replaced just now; git has said what stands there
        try:
            look(handle, path + b"/")
        finally:
            os.close(handle)

    top = os.open(tree, _FOLDER)
    try:
        look(top, b"")
    finally:
        os.close(top)
    return found


def _submodules(listed: bytes) -> Iterable[bytes]:
    """List the folders of submodules: git does not look for files in them."""
    if _SUBMODULE + b" " not in listed:
        return ()
    rows = (row.split(b"\t", 1) for row in listed.split(b"\0") if row.startswith(_SUBMODULE))
    return [row[1] for row in rows]


class _Found:
    """The changes collected so far, as nested folders."""

    def __init__(self, tree: bytes, prune: Callable[[bytes], bool]) -> None:
        self.tree = tree
        self.prune = prune
        self.children: dict[bytes, Node] = {}
        self.folders: dict[bytes, dict[bytes, Node]] = {}

    def tracked(self, path: bytes) -> None:
        """Take in a path of the start that is not as it was."""
        whole = b"%s/%s" % (self.tree, path)
        node: Node | None = None
        if not _reached_by_links(self.tree, path):
            # Git does not list what is in a folder that stands where a file was.
            node = self._walked(path) if _is_folder(whole) else self._leaf(path)
        self._parent(path)[path.rpartition(b"/")[2]] = node or Gone()

    def untracked(self, path: bytes) -> None:
        """Take in a path that the start does not have; a folder ends in a slash."""
        folder, path = path.endswith(b"/"), path.rstrip(b"/")
        children = self._parent(path)
        name = path.rpartition(b"/")[2]
        node = self._walked(path) if folder else self._leaf(path)
        if node is not None:
            children[name] = node

    def inside(self, path: bytes) -> None:
        """Take in the files of a submodule's folder, if it has any."""
        node = self._walked(path, ask=False)
        if node is not None and node.children:
            self._parent(path)[path.rpartition(b"/")[2]] = Folder(path, node.children)

    def _parent(self, path: bytes) -> dict[bytes, Node]:
        at = path.rpartition(b"/")[0]
        if not at:
            return self.children
        if at not in self.folders:
            self.folders[at] = {}
            self._parent(at)[at.rpartition(b"/")[2]] = Folder(at, self.folders[at])
        return self.folders[at]

    def _leaf(self, path: bytes) -> Node | None:
        try:
            return leaf(b"%s/%s" % (self.tree, path), os.lstat(b"%s/%s" % (self.tree, path)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _walked(self, path: bytes, *, ask: bool = True) -> Folder | None:
        if ask and self.prune(path):
            return None
        try:
            handle = os.open(b"%s/%s" % (self.tree, path), _FOLDER)
        except OSError:
            return None
        try:
            return Folder(None, self._children(handle, path, 0))
        finally:
            os.close(handle)

    def _children(self, handle: int, path: bytes, depth: int) -> dict[bytes, Node]:
        if depth > _DEEPEST:
            raise FailedError(
                "tree_too_deep",
                f"Folders are nested more than {_DEEPEST} deep at {os.fsdecode(path[:200])!r}.",
                cure="Move them up, delete them, or have git ignore them.",
            )
        found: dict[bytes, Node] = {}
        with os.scandir(handle) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                below = b"%s/%s" % (path, name)
                if not entry.is_dir(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found[name] = leaf(b"%s/%s" % (self.tree, below), status)
                elif not self.prune(below):
                    node = self._subfolder(handle, name, below, depth)
                    if node is not None:
                        found[name] = node
        return found

    def _subfolder(self, parent: int, name: bytes, path: bytes, depth: int) -> Folder | None:
        try:
            handle = os.open(name, _FOLDER, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return Folder(None, self._children(handle, path, depth + 1))
        finally:
            os.close(handle)


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _reached_by_links(tree: bytes, path: bytes) -> bool:
    """Tell whether a folder on the way was replaced by a link."""
    at = tree
    return any(os.path.islink(at := b"%s/%s" % (at, name)) for name in path.split(b"/")[:-1])
