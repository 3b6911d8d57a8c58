"""Reading what lies below a trusted folder without following a single link.

Whoever works in a tree can swap a folder for a link at any moment. So no path is opened as a
whole: each component is opened relative to the one before, refusing links.
"""

import os
import stat
from types import TracebackType
from typing import Self

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", 0)
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_OPEN = 64
_TRIES = 5
_MOST = 1 << 16
"""What a small file of git has at most, in bytes."""


class Below:
    """Opens files below `root`, by absolute path. Close it, or use it as a context.

    Args:
        root: A folder that only Carrel can rename or replace.
    """

    def __init__(self, root: str | bytes) -> None:
        self.root = os.fsencode(root)
        self._folders: dict[bytes, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every folder that is held open."""
        for handle in self._folders.values():
            os.close(handle)
        self._folders.clear()

    def folder(self, path: bytes) -> int:
        """Return a descriptor of a folder; it stays open until `close` or many others.

        Raises:
            OSError: `path` isn't a folder, is reached through a link, or is outside.
        """
        found = self._folders.get(path)
        if found is not None:
            return found
        if len(self._folders) >= _MOST_OPEN:
            self.close()
        if path == self.root:
            handle = os.open(path, _FOLDER & ~os.O_NOFOLLOW)
        else:
            above, _, name = path.rpartition(b"/")
            if not path.startswith(self.root + b"/") or name in {b"", b".", b".."}:
                raise PermissionError(1, "outside of the trusted folder", path)
            handle = os.open(name, _FOLDER, dir_fd=self.folder(above))
        self._folders[path] = handle
        return handle

    def stat(self, path: bytes) -> os.stat_result | None:
        """Return what stands at `path` itself, or None when nothing does."""
        above, _, name = path.rpartition(b"/")
        try:
            return os.stat(name, dir_fd=self.folder(above), follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def link(self, path: bytes) -> bytes:
        """Return the target of a link."""
        above, _, name = path.rpartition(b"/")
        return os.readlink(name, dir_fd=self.folder(above))

    def names(self, path: bytes) -> list[bytes]:
        """List a folder."""
        handle = self._listable(path)
        try:
            return [os.fsencode(one) for one in os.listdir(handle)]
        finally:
            os.close(handle)

    def special(self, path: bytes) -> list[bytes]:
        """Return the names in a folder that are no regular files."""
        handle = self._listable(path)
        try:
            with os.scandir(handle) as found:
                return [
                    os.fsencode(one.name) for one in found if not one.is_file(follow_symlinks=False)
                ]
        finally:
            os.close(handle)

    def _listable(self, path: bytes) -> int:
        above, _, name = path.rpartition(b"/")
        return os.open(name, _LIST, dir_fd=self.folder(above))

    def open(self, path: bytes) -> int:
        """Open a regular file for reading; never waits, never follows a link.

        Raises:
            OSError: Nothing is there, or no regular file.
        """
        above, _, name = path.rpartition(b"/")
        handle = os.open(name, _FILE, dir_fd=self.folder(above))
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        raise IsADirectoryError(21, "no regular file", path)

    def read(self, path: bytes, most: int) -> tuple[bytes, os.stat_result]:
        """Read a regular file; one that changes meanwhile is read again, a few times.

        Args:
            path: Absolute path below the root.
            most: Bytes to read at most; one byte more tells that there are more.

        Returns:
            The bytes (at most `most` + 1) and the file's status.
        """
        handle = self.open(path)
        try:
            data, before, after = _once(handle, most)
            for _ in range(_TRIES):
                if _signature(before) == _signature(after):
                    break
                os.lseek(handle, 0, os.SEEK_SET)
                data, before, after = _once(handle, most)
            return data, after
        finally:
            os.close(handle)

    def small(self, path: bytes, most: int = 1 << 20) -> bytes | None:
        """Return a regular file of at most `most` bytes; None for whatever else is there."""
        try:
            data, _ = self.read(path, most)
        except OSError:
            return None
        return data if len(data) <= most else None


def _once(handle: int, most: int) -> tuple[bytes, os.stat_result, os.stat_result]:
    before = os.fstat(handle)
    data = _all(handle, before.st_size, most)
    return data, before, os.fstat(handle)


def _all(handle: int, size: int, most: int) -> bytes:
    data = os.read(handle, min(size, most) + 1)
    if len(data) <= min(size, most):  # less than asked: the end of a regular file
        return data
    parts = [data]
    total = len(data)
    while data and total <= most:
        data = os.read(handle, min(1 << 20, most + 1 - total))
        parts.append(data)
        total += len(data)
    return b"".join(parts) if len(parts) > 1 else data


def _signature(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_bounded(path: str) -> bytes | None:
    """Return a small regular file; None for anything else: no link, no pipe, nothing huge."""
    try:
        handle = os.open(path, _FILE)
    except OSError:
        return None
    try:
        data = os.read(handle, _MOST + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
    return data if len(data) <= _MOST else None
