"""Edit trees by path: only the folders that lead to a change are read and written."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git.objects import Entry, PackWriter, Reader

_ROW = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_ROW_SHA256 = re.compile(rb"([0-7]+) ([^\0]+)\0(.{32})", re.DOTALL)
_FOLDER = b"40000"

_Raw = tuple[bytes, bytes]
"""Mode and object id as they stand in a tree: taking them apart costs more than the rest."""


@dataclass(slots=True)
class _Folder:
    """What changes in one folder, and while it is worked on, what stands in it."""

    put: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    inner: "dict[bytes, _Folder]" = field(default_factory=dict[bytes, "_Folder"])
    before: bytes = b""
    entries: dict[bytes, _Raw] = field(default_factory=dict[bytes, _Raw])
    oid: str = ""
    ordered: bool = True


def edit_tree(
    reader: Reader, writer: PackWriter, root: str, changes: Mapping[bytes, Entry | None]
) -> str:
    """Return the id of `root` with some paths set or removed.

    A folder that becomes empty goes. An entry may be a whole folder (mode `TREE`); further
    changes below it apply on top. None removes what stands at the path, a folder with all it
    holds; entries set below the same path are then put into a new folder. An entry set below
    something that is no folder replaces it; a removal below such a thing does nothing.

    Args:
        reader: Reads the present trees; trees that wait in `writer` are found there.
        writer: Takes in the new trees; the caller flushes it.
        root: Object id of a tree.
        changes: New entry by path from the root, None to remove.

    Raises:
        FailedError: `tree_clash` when a path is to be a file and a folder at once, or is none.
    """
    top = _plan(changes)
    levels: list[list[tuple[_Folder, str]]] = [[(top, root)]]
    while levels[-1]:
        _load(reader, writer, levels[-1], len(root) // 2)
        for folder, _ in levels[-1]:
            _change(folder)
        levels.append(
            [(inner, oid) for folder, _ in levels[-1] for _, inner, oid in _below(folder)]
        )
    for level in reversed(levels):
        for folder, was in level:
            _close(writer, folder, was)
    return top.oid or writer.tree(())


def entries_at(
    reader: Reader, writer: PackWriter, root: str, paths: Iterable[bytes]
) -> dict[bytes, Entry | None]:
    """Return what stands at some paths of a tree; None for nothing.

    Args:
        reader: Reads the trees.
        writer: Trees that wait in it are found there.
        root: Object id of a tree.
        paths: Paths from the root.
    """
    found: dict[bytes, Entry | None] = dict.fromkeys(paths)
    level = [(_plan(found), b"", root)]
    while level:
        _load(reader, writer, [(folder, oid) for folder, _, oid in level], len(root) // 2)
        for folder, prefix, _ in level:
            for name in folder.put:
                found[prefix + name] = _cooked(folder.entries.get(name))
        level = [
            (inner, prefix + name + b"/", oid)
            for folder, prefix, _ in level
            for name, inner, oid in _below(folder)
            if oid
        ]
    return found


def _plan(changes: Mapping[bytes, Entry | None]) -> _Folder:
    top = _Folder()
    folders: dict[bytes, _Folder] = {b"": top}
    for path, entry in changes.items():
        above, _, name = path.rpartition(b"/")
        if not name or path.startswith(b"/"):
            raise FailedError("tree_clash", f"{path!r} is no path inside a tree.")
        folder = folders.get(above)
        if folder is None:
            folder = _descend(folders, above)
        folder.put[name] = entry
    return top


def _descend(folders: dict[bytes, _Folder], path: bytes) -> _Folder:
    folder, at = folders[b""], b""
    for name in path.split(b"/"):
        if not name or path.startswith(b"/"):
            raise FailedError("tree_clash", f"{path!r} is no path inside a tree.")
        at = at + b"/" + name if at else name
        folder = folder.inner.setdefault(name, _Folder())
        folders[at] = folder
    return folder


def _load(
    reader: Reader, writer: PackWriter, level: Iterable[tuple[_Folder, str]], width: int
) -> None:
    stored: list[tuple[_Folder, str]] = []
    for folder, oid in level:
        pending = writer.pending(oid) if oid else b""
        if pending is None:
            stored.append((folder, oid))
        else:
            folder.before = pending
    found = reader.read_many([oid for _, oid in stored])
    for (folder, _), (_, data) in zip(stored, found, strict=True):
        folder.before = data
    row = _ROW if width == 20 else _ROW_SHA256  # noqa: PLR2004 - bytes of a SHA-1
    for folder, _ in level:
        folder.entries = {name: (mode, oid) for mode, name, oid in row.findall(folder.before)}


def _cooked(raw: _Raw | None) -> Entry | None:
    return None if raw is None else Entry(int(raw[0], 8), raw[1].hex())


def _change(folder: _Folder) -> None:
    for name, entry in folder.put.items():
        if entry is None:
            folder.entries.pop(name, None)
        else:
            _put(folder, name, b"%o" % entry.mode, bytes.fromhex(entry.oid))


def _put(folder: _Folder, name: bytes, mode: bytes, oid: bytes) -> None:
    """Set an entry; one that takes the place of its like keeps the order of the tree."""
    present = folder.entries.get(name)
    folder.ordered &= present is not None and (present[0] == _FOLDER) == (mode == _FOLDER)
    folder.entries[name] = (mode, oid)


def _below(folder: _Folder) -> Iterator[tuple[bytes, _Folder, str]]:
    """Give the folders to go into with their tree; an empty id where there is none yet."""
    for name, inner in folder.inner.items():
        mode, oid = folder.entries.get(name, (b"", b""))
        yield name, inner, oid.hex() if mode == _FOLDER else ""


def _close(writer: PackWriter, folder: _Folder, was: str) -> None:
    for name, inner in folder.inner.items():
        mode, _ = folder.entries.get(name, (b"", b""))
        if inner.oid:
            if folder.put.get(name) is not None and mode != _FOLDER:
                raise FailedError("tree_clash", f"{name!r} can't be a file and a folder at once.")
            _put(folder, name, _FOLDER, bytes.fromhex(inner.oid))
        elif mode == _FOLDER:
            del folder.entries[name]
    if folder.entries:
        data = _formatted(folder.entries, ordered=folder.ordered)
        folder.oid = was if was and data == folder.before else writer.add("tree", data)


def _formatted(entries: Mapping[bytes, _Raw], *, ordered: bool) -> bytes:
    """Write a tree; git sorts folders as if their names ended in a slash."""
    rows = list(entries.items())
    if not ordered:
        rows.sort(key=lambda row: row[0] + b"/" if row[1][0] == _FOLDER else row[0])
    return b"".join([b"%s %s\0%s" % (mode, name, oid) for name, (mode, oid) in rows])
