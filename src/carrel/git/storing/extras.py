"""Ignored files that a new workspace gets from the user's clone: `.env`, dependency folders.

A copy belongs to the workspace; what is shared is a link to the original, and is listed in
the workspace's own `.git/info/exclude`, so that nobody commits the link.
"""

import os
import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase

from carrel.domain.records import dataclass
from carrel.git.gateway import Git


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought: paths relative to the tree."""

    copied: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def bring(clone: str, tree: str, *, copy: Sequence[str], share: Sequence[str]) -> Brought:
    """Copy or link ignored files of a clone into a new workspace's tree.

    Args:
        clone: The user's clone, a folder with a work tree.
        tree: Folder that the workspace's files are written to.
        copy: Patterns of paths to copy, such as `.env` or `config/*.local`.
        share: Patterns of paths to link to; a path that both name is copied.

    Patterns are matched against whole paths and against last components. Only what git
    ignores in the clone and the tree does not have is brought; links are copied as links.
    """
    if not (copy or share) or not os.path.exists(f"{clone}/.git"):
        return Brought()
    copied: list[str] = []
    shared: list[str] = []
    for path in _ignored(clone):
        target = f"{tree}/{path}"
        if os.path.lexists(target) or _through_link(tree, path):
            continue
        if matches(path, copy):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _copy(f"{clone}/{path}", target)
            copied.append(path)
        elif matches(path, share):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(f"{clone}/{path}", target)
            shared.append(path)
    if shared:
        _exclude(tree, shared)
    return Brought(tuple(copied), tuple(shared))


def _ignored(clone: str) -> list[str]:
    git_dir = f"{clone}/.git"
    listing = Git(git_dir, work_tree=clone, env={"GIT_LITERAL_PATHSPECS": "0"}).run(
        "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
    )
    return [os.fsdecode(path.rstrip(b"/")) for path in listing.out.split(b"\0") if path]


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a path, or its last component, fits one of some patterns."""
    names = (path, os.path.basename(path))
    return any(fnmatchcase(name, pattern.strip("/")) for name in names for pattern in patterns)


def _through_link(tree: str, path: str) -> bool:
    """Tell whether a folder on the way to `path` is a link, which could lead outside."""
    folder = tree
    for part in path.split("/")[:-1]:
        folder = f"{folder}/{part}"
        if os.path.islink(folder):
            return True
    return False


def _copy(source: str, target: str) -> None:
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _exclude(tree: str, paths: Sequence[str]) -> None:
    os.makedirs(f"{tree}/.git/info", exist_ok=True)
    with open(f"{tree}/.git/info/exclude", "a", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"/{_escaped(path)}\n" for path in paths)


def _escaped(path: str) -> str:
    return "".join(f"\\{c}" if c in "*?[\\!# " else c for c in path)
