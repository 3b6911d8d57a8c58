"""Edit trees by path: only the folders that lead to a change are read and written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from carrel.errors import FailedError
from carrel.git.objects import TREE, Entry, PackWriter, Reader, format_tree, parse_tree


@dataclass(slots=True)
class _Folder:
    """What changes in one folder, and while it is worked on, what stands in it."""

    put: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    inner: "dict[bytes, _Folder]" = field(default_factory=dict[bytes, "_Folder"])
    before: bytes = b""
    entries: dict[bytes, Entry] = field(default_factory=dict[bytes, Entry])
    oid: str = ""


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
        levels.append([below for folder, _ in levels[-1] for below in _below(folder)])
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
    wanted: dict[bytes, Entry | None] = dict.fromkeys(paths)
    level = [(_plan(wanted), b"", root)]
    while level:
        _load(reader, writer, [(folder, oid) for folder, _, oid in level], len(root) // 2)
        for folder, prefix, _ in level:
            present = parse_tree(folder.before, len(root) // 2)
            wanted |= {prefix + name: present.get(name) for name in folder.put}
            folder.entries = present
        level = [
            (inner, prefix + name + b"/", folder.entries[name].oid)
            for folder, prefix, _ in level
            for name, inner in folder.inner.items()
            if name in folder.entries and folder.entries[name].mode == TREE
        ]
    return wanted


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
    for folder, _ in level:
        folder.entries = parse_tree(folder.before, width)
        for name, entry in folder.put.items():
            if entry is None:
                folder.entries.pop(name, None)
            else:
                folder.entries[name] = entry


def _below(folder: _Folder) -> Iterable[tuple[_Folder, str]]:
    for name, inner in folder.inner.items():
        present = folder.entries.get(name)
        yield inner, present.oid if present is not None and present.mode == TREE else ""


def _close(writer: PackWriter, folder: _Folder, was: str) -> None:
    for name, inner in folder.inner.items():
        present = folder.entries.get(name)
        if inner.oid:
            if folder.put.get(name) is not None and present is not None and present.mode != TREE:
                raise FailedError("tree_clash", f"{name!r} can't be a file and a folder at once.")
            folder.entries[name] = Entry(TREE, inner.oid)
        elif present is not None and present.mode == TREE:
            del folder.entries[name]
    if folder.entries:
        data = format_tree(folder.entries.items())
        folder.oid = was if was and data == folder.before else writer.add("tree", data)
