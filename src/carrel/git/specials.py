"""Pipes and devices in the place of files that git opens, found before git waits at one."""

import os
import stat

from carrel.errors import RefusedError

_OPENED = (
    "HEAD",
    "commondir",
    "index",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "info/sparse-checkout",
    "logs/HEAD",
    "objects/info/alternates",
    "objects/info/commit-graph",
    "objects/info/commit-graphs/commit-graph-chain",
    "objects/pack/multi-pack-index",
    "packed-refs",
    "shallow",
)
_OF_WORKTREE = ("HEAD", "commondir", "gitdir", "index", "logs/HEAD")


def refuse_specials(common: str) -> None:
    """Refuse a repository in which git would wait for ever, whatever it is asked.

    Args:
        common: Git directory.

    Raises:
        RefusedError: `repository_unsafe`, naming the file.
    """
    for name in _OPENED:
        refuse_special(f"{common}/{name}")
    for worktree in _listed(f"{common}/worktrees"):
        for name in _OF_WORKTREE:
            refuse_special(f"{worktree.path}/{name}")
    for pack in _listed(f"{common}/objects/pack"):
        if not pack.is_file(follow_symlinks=False):
            refuse_special(pack.path)


def refuse_special(path: str, *, folders: bool = True) -> None:
    """Refuse a path that leads to a pipe, a socket or a device; links are followed, as git does.

    Args:
        path: Which.
        folders: Whether a folder is right there, too.

    Raises:
        RefusedError: `repository_unsafe`.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:  # not there, or a link that leads nowhere: git says so at once
        return
    if not stat.S_ISREG(mode) and not (folders and stat.S_ISDIR(mode)):
        raise RefusedError(
            "repository_unsafe",
            f"{path} is no regular file, and git would wait for it for ever.",
            cure="Look at who put it there, and remove it.",
        )


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
