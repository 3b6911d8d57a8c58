"""Reads an upper directory: what a workspace changed, without walking its tree.

Three dialects say the same. The kernel deletes by a character device 0/0, makes a folder hide
what is below by an `opaque` attribute, and remembers by a `redirect` attribute where a
renamed folder came from; the attributes are called `trusted.overlay.*` for root and
`user.overlay.*` in a user namespace. fuse-overlayfs calls them `user.fuseoverlayfs.*` as
well, and writes files `.wh.NAME` and `.wh..wh..opq` where it may not make devices.
"""

import os
import stat
from collections.abc import Callable, Sequence

from carrel.domain.delta import Folder, Gone, Leaf, LeafKind, Node
from carrel.domain.records import dataclass
from carrel.errors import FailedError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 256
_WHITEOUT = b".wh."
_RESERVED = b".wh..wh."
_OPAQUE_FILE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of overlay writes down what it did.

    Attributes:
        prefixes: Beginnings of its extended attributes.
        files: True where names that begin with `.wh.` are marks, not files.
    """

    prefixes: tuple[str, ...]
    files: bool = False


KERNEL = Dialect(("trusted.overlay.",))
USER = Dialect(("user.overlay.",))
FUSE = Dialect(("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs."), files=True)


class Lowers:
    """The folders of a layer, looked through from the top down as overlay does."""

    def __init__(self, lowers: Sequence[str], dialect: Dialect) -> None:
        self._lowers = [os.fsencode(lower) for lower in lowers]
        self._dialect = dialect
        self._stacks: dict[bytes, tuple[int, ...]] = {b"": tuple(range(len(lowers)))}

    def is_folder(self, path: bytes) -> bool:
        """Tell whether the layer has a folder at `path`."""
        return bool(self._stack(path))

    def has(self, path: bytes) -> bool:
        """Tell whether the layer has anything at `path`."""
        parent, _, _ = path.rpartition(b"/")
        for number in self._stack(parent):
            status = _status(b"%s/%s" % (self._lowers[number], path))
            if status is not None:
                return not _is_whiteout(status)
        return False

    def _stack(self, path: bytes) -> tuple[int, ...]:
        """Return which lowers have a visible folder at `path`, top first."""
        known = self._stacks.get(path)
        if known is None:
            parent, _, _ = path.rpartition(b"/")
            known = self._stacks[path] = self._find(path, self._stack(parent))
        return known

    def _find(self, path: bytes, candidates: tuple[int, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for number in candidates:
            whole = b"%s/%s" % (self._lowers[number], path)
            status = _status(whole)
            if status is None:
                continue
            if not stat.S_ISDIR(status.st_mode):
                break
            found.append(number)
            if number != candidates[-1] and self._opaque(whole):
                break
        return tuple(found)

    def _opaque(self, folder: bytes) -> bool:
        return _attribute(folder, self._dialect, "opaque") == b"y"


def read_upper(
    upper: str,
    lowers: Sequence[str],
    dialect: Dialect,
    prune: Callable[[bytes], bool],
) -> Folder:
    """Return what the upper directory says differs from the layer.

    Args:
        upper: Absolute upper directory.
        lowers: The layer's folders, top first.
        dialect: Who wrote the upper directory.
        prune: Asked for each folder that the layer does not have at its path.

    Raises:
        FailedError: `tree_too_deep` or `upper_unreadable`.
    """
    reading = _Reading(os.fsencode(upper), Lowers(lowers, dialect), dialect, prune)
    try:
        handle = os.open(upper, _FOLDER)
    except OSError as error:
        raise FailedError(
            "upper_unreadable",
            f"The changes of the workspace can't be read in {upper}.",
            why=f"{error.strerror}.",
            cure="Run 'carrel reconcile'.",
        ) from error
    try:
        return Folder(b"", reading.children(handle, b"", b"", 0))
    finally:
        os.close(handle)


class _Reading:
    """One walk through an upper directory; every step is relative to an open folder."""

    def __init__(
        self, upper: bytes, lowers: Lowers, dialect: Dialect, prune: Callable[[bytes], bool]
    ) -> None:
        self.upper = upper
        self.lowers = lowers
        self.dialect = dialect
        self.prune = prune

    def children(
        self, handle: int, path: bytes, base: bytes | None, depth: int
    ) -> dict[bytes, Node]:
        """Read the entries of an open folder."""
        if depth > _DEEPEST:
            raise FailedError(
                "tree_too_deep",
                f"Folders are nested more than {_DEEPEST} deep at {os.fsdecode(path[:200])!r}.",
                cure="Move them up, delete them, or have git ignore them.",
            )
        marked = _attribute(handle, self.dialect, "opaque") == b"x"
        found: dict[bytes, Node] = {}
        with os.scandir(handle) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                if not path and name == b".git":
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                node: Node | None
                if stat.S_ISDIR(status.st_mode):
                    node = self._folder(handle, _joined(path, name), base, depth)
                else:
                    name, node = self._leaf(handle, path, name, status, marked=marked)
                if node is not None and (base is not None or not isinstance(node, Gone)):
                    found[name] = node
        return found

    def _folder(
        self, parent: int, path: bytes, parent_base: bytes | None, depth: int
    ) -> Folder | Gone | None:
        name = path.rpartition(b"/")[2]
        beneath = None if parent_base is None else _joined(parent_base, name)
        # Before it is opened: a huge ignored folder costs one question.
        if not self.lowers.is_folder(path) and self._prunable(parent, name, path):
            return Gone() if beneath is not None and self.lowers.has(beneath) else None
        try:
            handle = os.open(name, _FOLDER, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            base = self._base(handle, parent_base, beneath)
            children = self.children(handle, path, base, depth + 1)
        finally:
            os.close(handle)
        if not children and base is not None and base == beneath:
            return None  # copied up without a change
        return Folder(base, children)

    def _prunable(self, parent: int, name: bytes, path: bytes) -> bool:
        """Ask, unless the folder is one of the layer's under another name."""
        link = b"/proc/self/fd/%d/%s" % (parent, name)
        return not _attribute(link, self.dialect, "redirect") and self.prune(path)

    def _base(self, handle: int, parent_base: bytes | None, beneath: bytes | None) -> bytes | None:
        """Return the path in the layer that shows through an open folder."""
        redirect = _attribute(handle, self.dialect, "redirect")
        if redirect.startswith(b"/"):
            beneath = redirect.strip(b"/")
        elif redirect and parent_base is not None:
            beneath = _joined(parent_base, redirect)
        if beneath is None or _attribute(handle, self.dialect, "opaque") == b"y":
            return None
        if self.dialect.files and _exists(handle, _OPAQUE_FILE):
            return None
        return beneath if self.lowers.is_folder(beneath) else None

    def _leaf(
        self, parent: int, path: bytes, name: bytes, status: os.stat_result, *, marked: bool
    ) -> tuple[bytes, Leaf | Gone | None]:
        if self.dialect.files and name.startswith(_WHITEOUT):
            hidden = name[len(_WHITEOUT) :]
            if name.startswith(_RESERVED) or hidden in (b".opq", b"") or _exists(parent, hidden):
                return name, None
            return hidden, Gone()
        if _is_whiteout(status) or (marked and self._marked(parent, name, status)):
            return name, Gone()
        return name, leaf(b"%s/%s" % (self.upper, _joined(path, name)), status)

    def _marked(self, parent: int, name: bytes, status: os.stat_result) -> bool:
        """Tell whether an empty file is a deletion (overlays made inside an overlay)."""
        if status.st_size or not stat.S_ISREG(status.st_mode):
            return False
        link = b"/proc/self/fd/%d/%s" % (parent, name)
        return _attribute(link, self.dialect, "whiteout", missing=b"-") != b"-"


def leaf(source: bytes, status: os.stat_result) -> Leaf:
    """Describe what stands at `source`; `status` is of the thing itself, not of a link's aim."""
    kind = LeafKind.OTHER
    if stat.S_ISREG(status.st_mode):
        kind = LeafKind.FILE
    elif stat.S_ISLNK(status.st_mode):
        kind = LeafKind.LINK
    executable = kind is LeafKind.FILE and bool(status.st_mode & stat.S_IXUSR)
    return Leaf(source, kind, executable, status.st_size)


def _joined(folder: bytes, name: bytes) -> bytes:
    return b"%s/%s" % (folder, name) if folder else name


def _status(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _exists(folder: int, name: bytes | str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _attribute(where: int | bytes, dialect: Dialect, name: str, missing: bytes = b"") -> bytes:
    for prefix in dialect.prefixes:
        try:
            if isinstance(where, int):
                return os.getxattr(where, prefix + name)
            return os.getxattr(where, prefix + name, follow_symlinks=False)
        except OSError:
            continue
    return missing
