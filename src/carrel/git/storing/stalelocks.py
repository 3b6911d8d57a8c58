"""Lock files that killed git commands left in our own stores.

Git takes a lock by making a file, and says nowhere who made it. One is surely dead if no git
that was there when it was made is at that store any more; a younger one is left alone in any
case, for who works in a container can't be seen from here.
"""

import contextlib
import os

from carrel.git.gateway import Git
from carrel.git.storing.stores import Stores
from carrel.system import boots, processes_seen
from carrel.system.disk import stamping_moment

_YOUNG = 60.0
_SLACK = 2.0
"""Seconds by which the kernel's clock of starts may differ from the clock that stamps files."""
_READERS = frozenset({b"cat-file", b"for-each-ref", b"rev-parse", b"merge-tree"})


def stale_locks(stores: Stores) -> list[str]:
    """Return the lock files in both stores whose makers are dead."""
    now = stamping_moment(f"{stores.home}/locks")
    found: list[str] = []
    for git in (stores.base, stores.vault):
        old = {path: made for path in locks_in(git) if now - (made := _made(path)) > _YOUNG}
        began = _writers(git) if old else []
        found += [path for path, made in old.items() if all(one > made for one in began)]
    return found


def delete_stale_locks(stores: Stores) -> None:
    """Delete what `stale_locks` finds; looked up anew, for time has passed."""
    for path in stale_locks(stores):
        with contextlib.suppress(FileNotFoundError):  # somebody was faster
            os.unlink(path)


def locks_in(git: Git) -> list[str]:
    """Return all lock files of git in a repository."""
    found = [entry.path for entry in os.scandir(git.git_dir) if entry.name.endswith(".lock")]
    for top in ("refs", "logs", "objects/info", "objects/pack"):
        for folder, _, names in os.walk(f"{git.git_dir}/{top}"):
            found += [f"{folder}/{name}" for name in names if name.endswith(".lock")]
    return found


def _made(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except FileNotFoundError:
        return float("inf")


def _writers(git: Git) -> list[float]:
    """Return when those processes began that may hold locks of a repository."""
    where = os.fsencode(git.git_dir)
    return [
        boots.process_began(pid) - _SLACK
        for pid in processes_seen.pids()
        if _is_git(words := processes_seen.arguments_of(pid))
        and not _READERS.intersection(words)
        and (
            any(where in word for word in words)
            or where in processes_seen.environment_of(pid)
            or processes_seen.sitting_in(git.git_dir, (pid,))
        )
    ]


def _is_git(words: list[bytes]) -> bool:
    return any(os.path.basename(word).startswith(b"git") for word in words)
