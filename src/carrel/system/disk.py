"""Space on disk: how much is free, how much a folder takes, and giving it back."""

import os
import subprocess
import sys
import threading

from carrel.errors import FailedError
from carrel.system import erase

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512


def free_bytes(path: str) -> int:
    """Return how many bytes an ordinary user can still write at `path`."""
    facts = os.statvfs(path)
    return facts.f_bavail * facts.f_frsize


def stamping_moment(folder: str) -> float:
    """Return the present by the clock that stamps the files in a folder.

    On a network it is another machine's.
    """
    probe = f"{folder}/.moment"
    with open(probe, "wb"):
        os.utime(probe)
    return os.stat(probe).st_mtime


def used_bytes(path: str) -> int:
    """Return what a folder takes on disk in bytes.

    Blocks are counted, not lengths; a file with several names counts once; links are not
    followed and other file systems are not entered. What vanishes meanwhile counts nothing.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return 0
    total = status.st_blocks * _BLOCK
    seen: set[tuple[int, int]] = set()
    todo = [path]
    while todo:
        total += _one_folder(todo.pop(), status.st_dev, seen, todo)
    return total


def _one_folder(folder: str, device: int, seen: set[tuple[int, int]], todo: list[str]) -> int:
    total = 0
    try:
        handle = os.open(folder, _FOLDER)
    except OSError:
        return 0
    try:
        with os.scandir(handle) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if status.st_dev != device or (status.st_dev, status.st_ino) in seen:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(f"{folder}/{entry.name}")
                elif status.st_nlink > 1:
                    seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * _BLOCK
    finally:
        os.close(handle)
    return total


def rename_aside(path: str, aside: str) -> bool:
    """Move a folder to `aside` on the same file system; its parent is made when missing.

    Returns:
        False when there was nothing to move (any more).

    Raises:
        FailedError: `rename_failed`; nothing was moved.
    """
    os.makedirs(os.path.dirname(aside), exist_ok=True)
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FailedError(
            "rename_failed",
            f"{path} can't be moved to {aside}.",
            why=f"{error.strerror}.",
            cure="Look whether something is mounted there ('carrel reconcile' unmounts it), "
            "and whether both are on one file system.",
        ) from error
    return True


def delete_tree(path: str) -> None:
    """Delete a folder with everything in it; see `carrel.system.erase`.

    Raises:
        FailedError: `delete_failed`; what could be deleted is.
    """
    try:
        erase.erase(path)
    except OSError as error:
        where = f" ({os.fsdecode(error.filename)})" if error.filename else ""
        raise FailedError(
            "delete_failed",
            f"{path} can't be deleted completely.",
            why=f"{error.strerror}{where}.",
            cure="Unmount what is mounted inside or correct the permissions, then try again.",
        ) from error


def delete_in_background(path: str) -> None:
    """Delete a folder by a process of its own that outlives this one.

    It may be killed at any time; whoever finds the rest deletes it again.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", erase.__file__, path],
        env={},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # A resident process has to collect its dead child; a short one leaves it to init.
    threading.Thread(target=process.wait, daemon=True).start()
