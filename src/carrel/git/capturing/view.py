"""What a workspace shows at each path: its delta on top of its layer's tree."""

from collections.abc import Mapping

from carrel.domain.delta import Folder, Leaf, LeafKind, Node
from carrel.domain.records import dataclass
from carrel.git.forest import Forest
from carrel.git.nofollow import Below
from carrel.git.objects import EXECUTABLE, FILE, Entry, Reader

_LARGEST_RULES = 10_000_000


@dataclass(frozen=True, slots=True)
class View:
    """A delta, the tree it stands on, and the means to read both.

    Attributes:
        root: The delta.
        layer: Object id of the layer's tree.
        forest: Reads trees.
        reader: Reads blobs.
        below: Opens files of the workspace.
    """

    root: Folder
    layer: str
    forest: Forest
    reader: Reader
    below: Below

    def at(self, path: bytes) -> Node | Entry | None:
        """Return what is shown at `path`: a node of the delta, else the layer's entry."""
        node: Node | None = self.root
        base: bytes | None = self.root.base
        for name in path.split(b"/"):
            if isinstance(node, Folder):
                base = node.base
                node = node.children.get(name)
            elif node is not None:
                return None
            if node is None and base is None:
                return None
            base = None if base is None else joined(base, name)
        if node is not None:
            return node
        return None if base is None else self.forest.entry(self.layer, base)

    def text(self, path: bytes) -> bytes | None:
        """Return the bytes of a small regular file; None for whatever else is there."""
        found = self.at(path)
        if isinstance(found, Leaf) and found.kind is LeafKind.FILE:
            return self.below.small(found.source, _LARGEST_RULES)
        if isinstance(found, Entry):
            return blob(self.reader, found)
        return None


def blob(reader: Reader, entry: Entry | None) -> bytes | None:
    """Return the bytes of a regular file of a tree; None for anything else."""
    if entry is None or entry.mode not in {FILE, EXECUTABLE}:
        return None
    return reader.read(entry.oid)[1]


def joined(folder: bytes, name: bytes) -> bytes:
    """Return the path of `name` in `folder`, where the root is the empty path."""
    return folder + b"/" + name if folder else name


def leaves(folder: Folder, path: bytes = b"") -> Mapping[bytes, Leaf]:
    """Return every leaf of a delta by path."""
    found: dict[bytes, Leaf] = {}
    for name, node in folder.children.items():
        inner = joined(path, name)
        if isinstance(node, Folder):
            found.update(leaves(node, inner))
        elif isinstance(node, Leaf):
            found[inner] = node
    return found


def is_repository(below: Below, git: bytes) -> bool:
    """Tell whether `git` (the path of a `.git`) makes its folder a repository of its own."""
    try:
        names = set(below.names(git))
    except OSError:
        text = below.small(git, 4096)
        return text is not None and text.startswith(b"gitdir: ")
    return {b"HEAD", b"objects", b"refs"} <= names
