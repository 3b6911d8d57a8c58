"""Index files of layers: files made young again would hide edits, so they are made old.

Git compares seconds (not everywhere nanoseconds) to tell whether a file changed since it was
indexed. A file checked out and edited within one second, at the same size, looks unchanged;
git's remedy is to read anew every file as young as the index itself. For a layer this means
either waiting a second before anybody may work on it, or reading thousands of files at each
`git status`. Setting the files' times into the past, and saying so in the index, avoids both:
any later edit has another time.

Format: gitformat-index, versions 2 and 3.
"""

import hashlib
import os
import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

from carrel.errors import FailedError

_STAT = 40  # ctime, mtime, dev, ino, mode, uid, gid, size: before the object id
_MTIME = 8
_LONG_NAME = 0xFFF
_EXTENDED = 0x4000
_PAST = 10
_OWNER = 28  # uid, gid, size
_KNOWN = frozenset({2, 3})
_MODE = 26
_SUBMODULE = 0xE


def entries(path: str) -> int:
    """Return how many entries an index file has."""
    return _head(path)[1]


def version(path: str) -> int:
    """Return the version of an index file's format."""
    return _head(path)[0]


def _head(path: str) -> tuple[int, int]:
    with open(path, "rb") as file:
        _, number, count = struct.unpack(">4sII", file.read(12))
    return int(number), int(count)


def mentions(path: str, name: bytes) -> bool:
    """Tell whether an index has a file of this name in any folder."""
    with open(path, "rb") as file:
        data = file.read()
    top = struct.pack(">H", len(name)) + name + b"\0"
    return b"/" + name + b"\0" in data or top in data


def age(
    path: str, tree: str, width: int, *, since: int, some: Iterable[tuple[str, bytes]] | None = None
) -> None:
    """Set files that were changed in or after a second to a moment before it.

    Args:
        path: Index file; written anew.
        tree: Folder of the files.
        width: Bytes of an object id.
        since: Second (of the file system's clock) in which the checkout ended.
        some: (object id, path) of the entries to look at, in order of their paths; None looks
            at all of them.
    """
    data = _read(path)
    found = _all(data, width) if some is None else _those(data, some)
    with _opened(tree) as folder:
        for at, name in found:
            if struct.unpack_from(">I", data, at + _MTIME)[0] >= since:
                _age_one(data, at, name, folder, since - _PAST)
    _replace(path, data, width)


def stamp(
    path: str, tree: str, width: int, files: Sequence[tuple[str, bytes, os.stat_result]]
) -> bool:
    """Tell an index that some files are what it says; False when that needs a closer look.

    Args:
        path: Index file; written anew.
        tree: Folder of the files.
        width: Bytes of an object id.
        files: (object id, path, status) of files whose content is known, in order of their
            paths. One that is no longer the very same file is left for git to look at.
    """
    if version(path) not in _KNOWN:
        return False
    data = _read(path)
    known = {name: status for _, name, status in files}
    stamped = 0
    with _opened(tree) as folder:
        for at, name in _those(data, ((oid, name) for oid, name, _ in files)):
            now, was = os.stat(name, dir_fd=folder, follow_symlinks=False), known[name]
            if _same(now, was):
                _put(data, at, now)
                stamped += 1
    _replace(path, data, width)
    return stamped == len(files)


def _same(now: os.stat_result, was: os.stat_result) -> bool:
    return (now.st_ino, now.st_mtime_ns, now.st_size) == (was.st_ino, was.st_mtime_ns, was.st_size)


def _put(data: bytearray, at: int, status: os.stat_result) -> None:
    """Write a file's status as git does; the mode stays, since git has its own."""
    times = (*divmod(status.st_ctime_ns, 10**9), *divmod(status.st_mtime_ns, 10**9))
    first = (*times, status.st_dev, status.st_ino)
    last = (status.st_uid, status.st_gid, status.st_size)
    struct.pack_into(">6I", data, at, *(part & 0xFFFFFFFF for part in first))
    struct.pack_into(">3I", data, at + _OWNER, *(part & 0xFFFFFFFF for part in last))


def _read(path: str) -> bytearray:
    with open(path, "rb") as file:
        data = bytearray(file.read())
    if not data.startswith(b"DIRC") or struct.unpack_from(">I", data, 4)[0] not in _KNOWN:
        raise FailedError("index_unknown", f"{path} is no index that Carrel can read.")
    return data


def _replace(path: str, data: bytearray, width: int) -> None:
    body = data[:-width]
    total = hashlib.sha1 if width == 20 else hashlib.sha256  # noqa: PLR2004
    fresh = f"{path}.new"
    with open(fresh, "wb") as file:
        file.write(body + total(body).digest())
    os.rename(fresh, path)


@contextmanager
def _opened(tree: str) -> Generator[int, None, None]:
    folder = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _age_one(data: bytearray, at: int, name: bytes, folder: int, moment: int) -> None:
    os.utime(name, (moment, moment), dir_fd=folder, follow_symlinks=False)
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    ctime, mtime = divmod(status.st_ctime_ns, 10**9), divmod(status.st_mtime_ns, 10**9)
    struct.pack_into(">4I", data, at, *(part & 0xFFFFFFFF for part in (*ctime, *mtime)))


def _all(data: bytearray, width: int) -> Iterator[tuple[int, bytes]]:
    """Give the position and the name of each entry that is a file or a link."""
    at, short = 12, _STAT + width + 2
    read = struct.Struct(">H").unpack_from
    for _ in range(struct.unpack_from(">I", data, 8)[0]):
        flags = read(data, at + short - 2)[0]
        start = at + short + (2 if flags & _EXTENDED else 0)
        size = flags & _LONG_NAME
        end = data.index(0, start + size) if size == _LONG_NAME else start + size
        if data[at + _MODE] >> 4 != _SUBMODULE:  # its folder has no time of its own
            yield at, bytes(data[start:end])
        at += (end - at + 8) & ~7


def _those(data: bytearray, some: Iterable[tuple[str, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Find entries by their bytes: far quicker than to read them all."""
    at = 12
    for oid, name in some:
        flags = struct.pack(">H", min(len(name), _LONG_NAME))
        place = data.find(bytes.fromhex(oid) + flags + name + b"\0", at)
        if place >= 0:
            at = place - _STAT
            yield at, name
