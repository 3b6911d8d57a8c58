"""Deletes a folder with everything in it, and nothing else.

No link is followed and no mount is entered: every step goes through the descriptor of the
folder it happens in. Folders without write permission are opened up first. What vanishes
meanwhile is no error, so two may delete the same folder, and a deletion can be repeated.

Standard library only: it also runs as a program of its own (see `carrel.system.disk`).
"""

import os
import re
import sys
from collections.abc import Callable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 100
"""Folders deeper than this are moved up first: neither descriptors nor the stack run out."""
_OCTAL = re.compile(rb"\\([0-7]{3})")


class MountInsideError(OSError):
    """A mount stands inside the folder."""


def erase(path: str) -> None:
    """Delete a folder with all that is in it (or a file, or a link).

    Raises:
        MountInsideError: A mount is inside; nothing was touched.
        OSError: Something can't be deleted; the rest is deleted all the same.
    """
    mount = _mount_below(os.path.abspath(path))
    if mount:
        raise MountInsideError(16, "A mount stands inside the folder", mount)
    parent, name = os.path.split(path.rstrip("/"))
    try:
        handle = os.open(parent or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        eraser = _Eraser(handle)
        eraser.delete(name)
    finally:
        os.close(handle)
    if eraser.problem is not None:
        raise eraser.problem


class _Eraser:
    """One deletion; remembers the first problem and goes on."""

    def __init__(self, parent: int) -> None:
        self.parent = parent
        self.mount = _mount_id(parent)
        self.top = -1
        self.lifted: list[str] = []
        self.lifts = 0
        self.problem: OSError | None = None

    def delete(self, name: str) -> None:
        """Delete a name in the parent folder."""
        self._entry(self.parent, name, 0)

    def _entry(self, folder: int, name: str, depth: int) -> None:
        try:
            _opened_up(folder, lambda: os.unlink(name, dir_fd=folder))
        except (IsADirectoryError, PermissionError):  # EISDIR on Linux, EPERM elsewhere
            self._try(lambda: self._folder(folder, name, depth))
        except FileNotFoundError:
            pass
        except OSError as error:
            self.problem = self.problem or error

    def _folder(self, parent: int, name: str, depth: int) -> None:
        if depth > _DEEPEST:
            self._lift(parent, name)
            return
        handle = _open_folder(parent, name)
        try:
            if _mount_id(handle) != self.mount:
                raise MountInsideError(16, "A mount stands inside the folder", name)
            self._content(handle, depth)
        finally:
            os.close(handle)
        _opened_up(parent, lambda: os.rmdir(name, dir_fd=parent))

    def _content(self, handle: int, depth: int) -> None:
        if depth == 0:
            self.top = handle
        for child in os.listdir(handle):
            self._entry(handle, child, depth + 1)
        while depth == 0 and self.lifted:
            self._entry(handle, self.lifted.pop(), 1)

    def _lift(self, folder: int, name: str) -> None:
        self.lifts += 1
        aside = f".erase-{os.getpid()}-{id(self)}-{self.lifts}"
        _opened_up(folder, lambda: os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=self.top))
        self.lifted.append(aside)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except FileNotFoundError:
            pass
        except OSError as error:
            self.problem = self.problem or error


def _opened_up(folder: int, action: Callable[[], None]) -> None:
    """Act in a folder; where its mode forbids that, change the mode and act again."""
    try:
        action()
    except PermissionError:
        if os.fstat(folder).st_mode & 0o300 == 0o300:  # noqa: PLR2004 - write and search
            raise
        os.fchmod(folder, 0o700)
        action()


def _open_folder(parent: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        path = os.open(name, os.O_PATH | _FOLDER, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{path}", 0o700)
        finally:
            os.close(path)
        return os.open(name, _FOLDER, dir_fd=parent)


def _mount_id(handle: int) -> bytes:
    """Return the mount a descriptor is in; a btrfs subvolume is no mount of its own."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as file:
            return file.read().partition(b"mnt_id:")[2].split(b"\n")[0].strip()
    except OSError:  # no /proc: the device is the next best sign
        return str(os.fstat(handle).st_dev).encode()


def _mount_below(path: str) -> str:
    """Return a mount point at or below `path`, or nothing."""
    wanted = os.fsencode(path)
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in lines:
        point = _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), line.split(b" ")[4])
        if point == wanted or point.startswith(wanted + b"/"):
            return os.fsdecode(point)
    return ""


if __name__ == "__main__":
    for target in sys.argv[1:]:
        erase(target)
