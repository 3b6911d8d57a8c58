"""Locks between processes, by `flock(2)` on a file or a folder.

The kernel frees a lock when its last holder dies, so nothing is ever stale. A lock belongs
to the thread that took it: every taking opens the file anew. A forked child holds nothing
(`os.register_at_fork`), and no lock leaks into a program that is started, unless its
descriptor is handed over on purpose.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager

from carrel.errors import FailedError

_FIRST_WAIT = 0.0005
_LONGEST_WAIT = 0.05

_held: set[int] = set()


@contextmanager
def held(path: str, *, timeout: float = 30.0, shared: bool = False) -> Generator[int, None, None]:
    """Hold the lock on `path` for a block.

    Args:
        path: A folder that exists, or a file that is made when missing.
        timeout: Seconds to wait for others; 0 tries once.
        shared: Several may hold it at once, but none of them while one holds it alone.

    Yields:
        The descriptor that carries the lock.

    Raises:
        FailedError: `lock_busy`, naming the holder.
    """
    handle = acquire(path, timeout=timeout, shared=shared)
    try:
        yield handle
    finally:
        release(handle)


def acquire(path: str, *, timeout: float = 30.0, shared: bool = False, folder: bool = False) -> int:
    """Take the lock on `path`; the descriptor returned is given back to `release`.

    With `folder` nothing is made where there is none: `FileNotFoundError` says so.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    deadline = time.monotonic() + timeout
    wait = _FIRST_WAIT
    while True:
        handle = _attempt(path, mode, folder=folder)
        if handle is not None:
            return handle
        if time.monotonic() >= deadline:
            raise _busy(path, timeout)
        time.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


def try_acquire(path: str, *, shared: bool = False, folder: bool = False) -> int | None:
    """Take the lock on `path` if it is free, else return None; `folder` as for `acquire`."""
    return _attempt(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, folder=folder)


def release(handle: int) -> None:
    """Give a lock back, also for those who inherited its descriptor."""
    if handle not in _held:  # a forked child gave it up at its birth
        return
    _held.discard(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def entrust(handle: int) -> None:
    """Close our descriptor but leave the lock to the process that inherited it."""
    if handle in _held:
        _held.discard(handle)
        os.close(handle)


def holders(path: str) -> list[int]:
    """Return the process ids that took the lock on `path`, as far as the kernel tells."""
    try:
        status = os.stat(path)
        with open("/proc/locks", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    wanted = b"%02x:%02x:%d" % (os.major(status.st_dev), os.minor(status.st_dev), status.st_ino)
    return [
        int(parts[4])
        for parts in (line.split() for line in lines)
        if len(parts) > 5 and parts[1] == b"FLOCK" and parts[5] == wanted  # noqa: PLR2004
    ]


def _attempt(path: str, mode: int, *, folder: bool = False) -> int | None:
    handle = _open_folder(path) if folder else _open(path)
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
        if _still_at(path, handle):
            _held.add(handle)
            return handle
    except BlockingIOError:
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except IsADirectoryError:
        return _open_folder(path)


def _open_folder(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)


def _still_at(path: str, handle: int) -> bool:
    """Tell whether the file was not replaced between opening and locking."""
    try:
        now = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    ours = os.fstat(handle)
    return (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino)


def _busy(path: str, timeout: float) -> FailedError:
    who = ", ".join(str(pid) for pid in holders(path))
    return FailedError(
        "lock_busy",
        f"The lock on {path} did not get free within {timeout:g} seconds.",
        why=f"Process {who} holds it." if who else "Another process holds it.",
        cure="Wait for it to finish, or end it, then try again.",
    )


def _forget() -> None:
    for handle in _held:
        os.close(handle)  # without unlocking: the parent still holds it
    _held.clear()


os.register_at_fork(after_in_child=_forget)
