"""Folders that are made many times over: read once, then written as often as somebody asks."""

import os
import stat
from collections.abc import Iterator
from functools import cache


class Mold:
    """A folder as it was when it was read; each copy has its contents, modes and times.

    A copy by `shutil` opens, looks at and sends every file anew, and takes six times as long.
    Owners and extended attributes are not kept; what is neither file, folder nor link is refused.

    Args:
        folder: What to read; it may change or go away afterwards.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folders: list[tuple[str, int, int]] = []
        self._files: list[tuple[str, int, int, bytes]] = []
        self._links: list[tuple[str, str]] = []
        self._read(os.fspath(folder), "")

    def write(self, target: str | os.PathLike[str]) -> None:
        """Make the folder, or fill one that is empty; those above it may be missing, too."""
        top = os.fspath(target)
        os.makedirs(top, exist_ok=True)
        for name, _, _ in self._folders[1:]:
            os.mkdir(top + name)
        for name, mode, when, data in self._files:
            made = os.open(top + name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(made, data)
                os.fchmod(made, mode)
                os.utime(made, ns=(when, when))
            finally:
                os.close(made)
        for name, aim in self._links:
            os.symlink(aim, top + name)
        for name, mode, when in reversed(self._folders):  # what is inside changes a folder's time
            os.chmod(top + name, mode)
            os.utime(top + name, ns=(when, when))

    def _read(self, top: str, name: str) -> None:
        seen = os.stat(top + name)
        self._folders.append((name, stat.S_IMODE(seen.st_mode), seen.st_mtime_ns))
        for path, mode, when in _entries(top + name):
            inner = path[len(top) :]
            if stat.S_ISDIR(mode):
                self._read(top, inner)
            elif stat.S_ISLNK(mode):
                self._links.append((inner, os.readlink(path)))
            elif stat.S_ISREG(mode):
                with open(path, "rb") as file:
                    self._files.append((inner, stat.S_IMODE(mode), when, file.read()))
            else:
                raise ValueError(f"{path} is neither a file, a folder nor a link.")


def _entries(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as found:
        for entry in found:
            seen = entry.stat(follow_symlinks=False)
            yield entry.path, seen.st_mode, seen.st_mtime_ns


@cache
def mold(folder: str | os.PathLike[str]) -> Mold:
    """Return the mold of a folder that never changes; it is read when first asked for."""
    return Mold(folder)
