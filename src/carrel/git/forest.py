"""Reading and editing several trees at once, at the price of what is looked at.

A folder of thousands of entries is met at every checkpoint, so its entries stay bytes until
somebody asks for one, and trees that were read stay known: an object id never changes meaning.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cache

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git.objects import TREE, Entry, PackWriter, Reader

Raw = tuple[bytes, bytes]
"""Mode as git writes it, object id as bytes."""

FOLDER = b"40000"
_MOST_ENTRIES = 150_000
_NOTHING: Mapping[bytes, Raw] = {}


class Forest:
    """Trees by object id, each read once.

    Args:
        reader: Where they are.
        width: Size of an object id in bytes.
        writer: Takes in new trees; trees that wait here are found too.
    """

    def __init__(self, reader: Reader, width: int, writer: PackWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._entry = _pattern(width)
        self._folders: dict[tuple[str, bytes], str] = {}

    def load(self, oids: Iterable[str]) -> None:
        """Read trees that will be asked for, together."""
        missing = [oid for oid in dict.fromkeys(oids) if oid and oid not in _known]
        stored: list[str] = []
        for oid in missing:
            waiting = self._writer.pending(oid)
            if waiting is None:
                stored.append(oid)
            else:
                _remember(oid, self._parse(waiting))
        for oid, (_, data) in zip(stored, self._reader.read_many(stored), strict=True):
            _remember(oid, self._parse(data))

    def load_paths(self, roots: Iterable[str], folders: Iterable[bytes]) -> None:
        """Read every tree that leads to `folders` in each root, one round trip a level."""
        by_above: dict[bytes, set[bytes]] = {}
        for folder in folders:
            _register(by_above, folder)
        present = [(root, b"", root) for root in dict.fromkeys(roots) if root]
        while present:
            self.load(oid for _, _, oid in present)
            below: list[tuple[str, bytes, str]] = []
            for root, path, oid in present:
                entries = self._raw(oid)
                for name in by_above.get(path, ()):
                    mode, inner_oid = entries.get(name, (b"", b""))
                    inner = path + b"/" + name if path else name
                    self._folders[root, inner] = inner_oid.hex() if mode == FOLDER else ""
                    if mode == FOLDER:
                        below.append((root, inner, inner_oid.hex()))
            present = below

    def folder(self, root: str, path: bytes) -> str:
        """Return the id of the tree at `path`; empty when there is none."""
        if not path or not root:
            return root
        found = self._folders.get((root, path))
        if found is None:
            entry = self.entry(root, path)
            found = entry.oid if entry is not None and entry.mode == TREE else ""
            self._folders[root, path] = found
        return found

    def entry(self, root: str, path: bytes) -> Entry | None:
        """Return what stands at `path` (not empty) below a tree."""
        above, _, name = path.rpartition(b"/")
        raw = self._raw(self.folder(root, above)).get(name)
        return None if raw is None else _entry(raw)

    def entries(self, oid: str) -> Mapping[bytes, Raw]:
        """Return the entries of a tree by name, as they stand there; none for an empty id."""
        return self._raw(oid)

    def blobs(self, oid: str, path: bytes) -> Iterable[tuple[bytes, Entry]]:
        """Walk everything below a tree that is no tree itself, with its full path."""
        for name, raw in self._raw(oid).items():
            inner = path + b"/" + name if path else name
            if raw[0] == FOLDER:
                yield from self.blobs(raw[1].hex(), inner)
            else:
                yield inner, _entry(raw)

    def differing(
        self, old: str, new: str, path: bytes = b""
    ) -> Iterable[tuple[bytes, Entry | None, Entry | None]]:
        """Walk the paths at which two trees differ, with what each has there."""
        if old == new:
            return
        self.load((old, new))
        before, after = self._raw(old), self._raw(new)
        names = [name for name, raw in after.items() if before.get(name) != raw]
        names += [name for name in before if name not in after]
        for name in sorted(names):
            sides = (before.get(name), after.get(name))
            inner = path + b"/" + name if path else name
            trees = [raw[1].hex() if raw and raw[0] == FOLDER else "" for raw in sides]
            if any(trees):
                yield from self.differing(trees[0], trees[1], inner)
            was, now = (_entry(raw) if raw and raw[0] != FOLDER else None for raw in sides)
            if was or now:
                yield inner, was, now

    def edit(self, root: str, changes: Mapping[bytes, Entry | None]) -> str:
        """Return the id of `root` with some paths set or removed.

        A folder that becomes empty goes. An entry may be a whole folder (mode `TREE`); further
        changes below it apply on top. None removes what stands at the path, a folder with all
        it holds; entries set below it are then put into a new folder. An entry set below
        something that is no folder replaces it.

        Raises:
            FailedError: `tree_clash` when a path is to be a file and a folder at once.
        """
        plan = _plan(changes)
        return self._edited(root, plan) or self._writer.tree(())

    def _edited(self, oid: str, plan: "_Plan") -> str:
        before = self._raw(oid)
        entries = dict(before)
        for name, entry in plan.put.items():
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = (b"%o" % entry.mode, bytes.fromhex(entry.oid))
        present = {name: entries.get(name, (b"", b"")) for name in plan.inner}
        self.load(raw[1].hex() for raw in present.values() if raw[0] == FOLDER)
        for name, inner in plan.inner.items():
            mode, inner_oid = present[name]
            folder = self._edited(inner_oid.hex() if mode == FOLDER else "", inner)
            if folder:
                if mode not in {b"", FOLDER} and plan.put.get(name) is not None:
                    raise FailedError("tree_clash", f"{name!r} can't be a file and a folder.")
                entries[name] = (FOLDER, bytes.fromhex(folder))
            elif mode == FOLDER:
                del entries[name]
        if entries == before:
            return oid
        # A dict keeps its order when values are replaced, and git's order only looks at names
        # and at what is a folder: most edits need no sorting.
        touched = plan.put.keys() | plan.inner.keys()
        kept = all(_kind(before, name) == _kind(entries, name) for name in touched)
        return self._written(entries if kept else _ordered(entries))

    def _written(self, entries: dict[bytes, Raw]) -> str:
        if not entries:
            return ""
        data = joined(entries)
        oid = self._writer.add("tree", data)
        _remember(oid, entries)
        return oid

    def _raw(self, oid: str) -> Mapping[bytes, Raw]:
        if not oid:
            return _NOTHING
        found = _known.get(oid)
        if found is None:
            self.load([oid])
            found = _known.get(oid)
        # Another thread may have made room meanwhile.
        return self._raw(oid) if found is None else found

    def _parse(self, data: bytes) -> dict[bytes, Raw]:
        return {name: (mode, oid) for mode, name, oid in self._entry.findall(data)}


def joined(entries: Mapping[bytes, Raw]) -> bytes:
    """Return the bytes of a tree from its entries, which are in git's order."""
    return b"".join([b"%b %b\0%b" % (mode, name, oid) for name, (mode, oid) in entries.items()])


@dataclass(slots=True)
class _Plan:
    put: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    inner: "dict[bytes, _Plan]" = field(default_factory=dict[bytes, "_Plan"])


def _plan(changes: Mapping[bytes, Entry | None]) -> _Plan:
    top = _Plan()
    folders: dict[bytes, _Plan] = {b"": top}
    for path, entry in changes.items():
        above, _, name = path.rpartition(b"/")
        _planned(folders, above).put[name] = entry
    return top


def _planned(folders: dict[bytes, _Plan], path: bytes) -> _Plan:
    found = folders.get(path)
    if found is None:
        above, _, name = path.rpartition(b"/")
        found = folders[path] = _planned(folders, above).inner.setdefault(name, _Plan())
    return found


def _register(by_above: dict[bytes, set[bytes]], folder: bytes) -> None:
    while folder:
        above, _, name = folder.rpartition(b"/")
        names = by_above.setdefault(above, set())
        if name in names:
            return
        names.add(name)
        folder = above


def _kind(entries: Mapping[bytes, Raw], name: bytes) -> bool | None:
    raw = entries.get(name)
    return None if raw is None else raw[0] == FOLDER


def _ordered(entries: dict[bytes, Raw]) -> dict[bytes, Raw]:
    """Sort as git does: a folder's name counts as if it ended in a slash."""
    order = sorted(entries, key=lambda name: name + b"/" if entries[name][0] == FOLDER else name)
    return {name: entries[name] for name in order}


def _entry(raw: Raw) -> Entry:
    return Entry(int(raw[0], 8), raw[1].hex())


@cache
def _pattern(width: int) -> re.Pattern[bytes]:
    return re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % width, re.DOTALL)


_known: dict[str, Mapping[bytes, Raw]] = {}
_lock = threading.Lock()
_room = [_MOST_ENTRIES]


def _remember(oid: str, entries: Mapping[bytes, Raw]) -> None:
    with _lock:
        if oid in _known:
            return
        _room[0] -= len(entries) + 1
        if _room[0] < 0:
            _known.clear()
            _room[0] = _MOST_ENTRIES - len(entries)
        _known[oid] = entries
