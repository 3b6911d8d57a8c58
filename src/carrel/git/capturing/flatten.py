"""A delta as a flat list: files to read, paths that are gone or moved, things left out."""

import re
from dataclasses import field

from carrel.domain.delta import Folder, Gone, Leaf, LeafKind
from carrel.domain.records import dataclass
from carrel.git.capturing.pruning import GIT, Pruner, Tracked
from carrel.git.capturing.view import is_repository, joined
from carrel.git.objects import SUBMODULE, TREE, Entry
from carrel.git.pathrules import refused_name

_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
IN_MODULES = re.compile(rb"gitdir: (?:\.\./)+\.git/(modules/[^\n]+)\n?")
_NESTED = "a git repository of its own is not recorded; add it as a submodule, or ignore it"
_GIT_FOLDER = "a folder of git itself is never recorded"
SPECIAL = "neither a file nor a folder nor a link, so it can't be recorded"
_IN_SUBMODULE = "files of a submodule that is not checked out are not recorded"
OF_SUBMODULE = "of a submodule only the commit that it has checked out is recorded"
_STORED = "stored as it is"


@dataclass(slots=True)
class Flat:
    """What a delta says, by path.

    Attributes:
        leaves: Files and links to be read.
        changes: Entries that are known without reading; None for what is gone.
        moved: Folders that show another folder of the layer, with that tree's id.
        special: FIFOs, sockets and devices.
        skipped: What is left out, each with the reason.
    """

    leaves: dict[bytes, Leaf] = field(default_factory=dict[bytes, Leaf])
    changes: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    moved: dict[bytes, str] = field(default_factory=dict[bytes, str])
    special: list[bytes] = field(default_factory=list[bytes])
    skipped: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])


def left_out(reason: str) -> bool:
    """Tell whether something is in no checkpoint, from the reason for which it was skipped.

    A file that is stored without a conversion is there, and a FIFO or a device holds nothing.
    """
    return reason != SPECIAL and not stored(reason)


def stored(reason: str) -> bool:
    """Tell whether a file was stored all the same, from the reason for which it was named."""
    return reason.startswith(_STORED)


def flatten(root: Folder, tracked: Tracked, pruner: Pruner) -> Flat:
    """Flatten a delta.

    Args:
        root: What the driver read.
        tracked: What git knows already.
        pruner: What the driver left out, and where to look for repositories.
    """
    flat = Flat()
    flattener = _Flattener(flat, tracked, pruner)
    flattener.folder(root, b"", b"")
    for path in pruner.repositories:
        flat.skipped.append((path + b"/", _NESTED))
        flat.changes[path] = None
    for path in pruner.ignored:
        flat.changes[path] = None
    for path in pruner.git_folders:
        if path.rpartition(b"/")[0] not in flattener.foreign:
            flat.skipped.append((path, _GIT_FOLDER))
    return flat


@dataclass(slots=True)
class _Flattener:
    flat: Flat
    tracked: Tracked
    pruner: Pruner
    foreign: set[bytes] = field(default_factory=set[bytes])

    def folder(self, node: Folder, path: bytes, shown: bytes | None) -> None:
        """Take in one folder; `shown` is the layer's folder that stands here by itself."""
        if path and self._foreign(node, path):
            self.foreign.add(path)
            return
        if node.base != shown:
            self._replaced(node, path)
        for name, child in node.children.items():
            inner = joined(path, name)
            link = isinstance(child, Leaf) and child.kind is LeafKind.LINK
            refused = _GIT_FOLDER if name == GIT else refused_name(name, link=link)
            if refused is not None and not isinstance(child, Gone):
                self.flat.skipped.append((inner, refused))
            elif isinstance(child, Folder):
                below = None if node.base is None else joined(node.base, name)
                self.folder(child, inner, below)
            else:
                self._leaf(child, inner)

    def _leaf(self, child: Leaf | Gone, path: bytes) -> None:
        if isinstance(child, Gone):
            self.flat.changes[path] = None
        elif child.kind is LeafKind.OTHER:
            self.flat.changes[path] = None
            self.flat.special.append(path)
        else:
            self.flat.leaves[path] = child

    def _replaced(self, node: Folder, path: bytes) -> None:
        layer, forest = self.tracked.layer, self.tracked.forest
        oid = "" if node.base is None else forest.folder(layer, node.base)
        self.flat.changes[path] = Entry(TREE, oid) if oid else None
        if oid:
            self.flat.moved[path] = oid

    def _foreign(self, node: Folder, path: bytes) -> bool:
        """Settle submodules and other repositories; tell whether this was one."""
        own = self.pruner.top + b"/" + path + b"/" + GIT
        submodule = self.tracked.submodule(path)
        nested = GIT in node.children or path + b"/" + GIT in self.pruner.git_folders
        if submodule is not None:
            head = self._submodule_head(own) if nested else None
            self.flat.changes[path] = Entry(SUBMODULE, head or submodule.oid)
            if node.children:
                reason = OF_SUBMODULE if nested else _IN_SUBMODULE
                self.flat.skipped.append((path + b"/", reason))
            return True
        if nested and not self.tracked.folder(path) and is_repository(self.pruner.below, own):
            self.flat.changes[path] = None
            self.flat.skipped.append((path + b"/", _NESTED))
            return True
        return False

    def _submodule_head(self, own: bytes) -> str | None:
        """Return the commit that a submodule has checked out, if that is plain to see."""
        below = self.pruner.below
        text = below.small(own, 4096)
        if text is not None:
            found = IN_MODULES.fullmatch(text)
            if found is None or b".." in found[1].split(b"/"):
                return None
            own = self.pruner.top + b"/.git/" + found[1]
        value = below.small(own + b"/HEAD", 4096) or b""
        if value.startswith(b"ref: refs/") and b".." not in value:
            value = below.small(own + b"/" + value[5:].strip(), 4096) or b""
        value = value.strip()
        return value.decode() if _OID.fullmatch(value) else None
