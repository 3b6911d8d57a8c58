"""Reading several trees at once: what stands at a path in each of them."""

from collections.abc import Iterable, Mapping

from carrel.git.objects import TREE, Entry, PackWriter, Reader, parse_tree

_NOTHING: Mapping[bytes, Entry] = {}


class Forest:
    """Trees by object id, each read once.

    Args:
        reader: Where they are.
        width: Size of an object id in bytes.
        writer: Trees that wait here are found too.
    """

    def __init__(self, reader: Reader, width: int, writer: PackWriter | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._width = width
        self._trees: dict[str, Mapping[bytes, Entry]] = {}
        self._folders: dict[tuple[str, bytes], str | None] = {}

    def entries(self, oid: str) -> Mapping[bytes, Entry]:
        """Return the entries of a tree; of the empty id, nothing."""
        if not oid:
            return _NOTHING
        found = self._trees.get(oid)
        if found is None:
            self.load([oid])
            found = self._trees[oid]
        return found

    def load(self, oids: Iterable[str]) -> None:
        """Read trees that will be asked for, together."""
        missing = [oid for oid in dict.fromkeys(oids) if oid and oid not in self._trees]
        if self._writer is not None:
            for oid in missing:
                waiting = self._writer.pending(oid)
                if waiting is not None:
                    self._trees[oid] = parse_tree(waiting, self._width)
            missing = [oid for oid in missing if oid not in self._trees]
        for oid, (_, data) in zip(missing, self._reader.read_many(missing), strict=True):
            self._trees[oid] = parse_tree(data, self._width)

    def load_paths(self, roots: Iterable[str], folders: Iterable[bytes]) -> None:
        """Read every tree that leads to `folders` in each root, one round trip a level."""
        present = [(root, b"", root) for root in roots]
        by_above: dict[bytes, set[bytes]] = {}
        for folder in folders:
            _register(by_above, folder)
        while present:
            self.load(oid for _, _, oid in present)
            below: list[tuple[str, bytes, str]] = []
            for root, path, oid in present:
                entries = self._trees[oid]
                for name in by_above.get(path, ()):
                    entry = entries.get(name)
                    if entry is not None and entry.mode == TREE:
                        inner = path + b"/" + name if path else name
                        self._folders[root, inner] = entry.oid
                        below.append((root, inner, entry.oid))
            present = below

    def folder(self, root: str, path: bytes) -> str:
        """Return the id of the tree at `path`; empty when there is none."""
        if not path or not root:
            return root
        key = (root, path)
        if key not in self._folders:
            entry = self.entry(root, path)
            self._folders[key] = entry.oid if entry is not None and entry.mode == TREE else None
        return self._folders[key] or ""

    def entry(self, root: str, path: bytes) -> Entry | None:
        """Return what stands at `path` (not empty) below a tree."""
        above, _, name = path.rpartition(b"/")
        return self.entries(self.folder(root, above)).get(name)

    def blobs(self, oid: str, path: bytes) -> Iterable[tuple[bytes, Entry]]:
        """Walk everything below a tree that is no tree itself, with its full path."""
        for name, entry in self.entries(oid).items():
            inner = path + b"/" + name if path else name
            if entry.mode == TREE:
                yield from self.blobs(entry.oid, inner)
            else:
                yield inner, entry

    def differing(
        self, old: str, new: str, path: bytes = b""
    ) -> Iterable[tuple[bytes, Entry | None, Entry | None]]:
        """Walk the paths at which two trees differ, with what each has there."""
        if old == new:
            return
        before, after = self.entries(old), self.entries(new)
        for name in sorted(before.keys() | after.keys()):
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            inner = path + b"/" + name if path else name
            trees = [one.oid if one is not None and one.mode == TREE else "" for one in (was, now)]
            if any(trees):
                yield from self.differing(trees[0], trees[1], inner)
            leaves = [None if one is None or one.mode == TREE else one for one in (was, now)]
            if any(leaves):
                yield inner, leaves[0], leaves[1]


def _register(by_above: dict[bytes, set[bytes]], folder: bytes) -> None:
    while folder:
        above, _, name = folder.rpartition(b"/")
        names = by_above.setdefault(above, set())
        if name in names:
            return
        names.add(name)
        folder = above
