"""Files of somebody's work tree: what stands in the way, and replacing them one by one.

Each file is renamed into place, so it is the old one or the new one at any instant. No link is
followed: what is reached through one counts as being in the way.
"""

import os
import secrets
import shutil
from collections.abc import Sequence

from carrel.git.differing import Change
from carrel.git.gateway import Git
from carrel.git.objects import SUBMODULE
from carrel.system import faults

_OTHER_DISK = 18  # EXDEV


def stage_files(git: Git, changes: Sequence[Change], folder: str) -> None:
    """Check the new files out into a folder of their own, by the index of `git`."""
    os.makedirs(folder, exist_ok=True)
    paths = [change.path for change in changes if change.new and change.new.mode != SUBMODULE]
    if paths:
        feed = b"\0".join(paths) + b"\0"
        git.run("checkout-index", "-f", "-z", "--stdin", f"--prefix={folder}/", stdin=feed)


def replace(tree: str, staged: str, changes: Sequence[Change], owner: int | None) -> None:
    """Take away what is gone, then rename the staged files into place."""
    root, fresh = os.fsencode(tree), os.fsencode(staged)
    for change in changes:
        if change.new is None and change.old is not None:
            _take_away(root, change.path)
            faults.point("checkout.file")
    for change in changes:
        if change.new is not None:
            _put(root, fresh, change, owner)
            faults.point("checkout.file")


def _put(root: bytes, fresh: bytes, change: Change, owner: int | None) -> None:
    goal = os.path.join(root, change.path)
    _make_folders(root, change.path, owner)
    if change.new is not None and change.new.mode == SUBMODULE:
        os.makedirs(goal, exist_ok=True)
        return
    if os.path.isdir(goal) and not os.path.islink(goal):
        os.rmdir(goal)  # an emptied folder or a submodule's that held nothing
    try:
        os.rename(os.path.join(fresh, change.path), goal)
    except OSError as error:
        if error.errno != _OTHER_DISK:  # the git directory can be on another
            raise
        beside = goal + b".carrel-" + secrets.token_hex(4).encode()
        shutil.copy2(os.path.join(fresh, change.path), beside, follow_symlinks=False)
        if owner is not None:
            os.lchown(beside, owner, -1)
        os.rename(beside, goal)


def _take_away(root: bytes, path: bytes) -> None:
    goal = os.path.join(root, path)
    if os.path.isdir(goal) and not os.path.islink(goal):
        return  # a submodule: git leaves its folder, too
    if not os.path.lexists(goal):
        return
    os.unlink(goal)
    folder = os.path.dirname(path)
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = os.path.dirname(folder)


def _make_folders(root: bytes, path: bytes, owner: int | None) -> None:
    parts = path.split(b"/")[:-1]
    for count in range(len(parts)):
        folder = os.path.join(root, *parts[: count + 1])
        try:
            os.mkdir(folder)
        except FileExistsError:
            continue
        if owner is not None:
            os.lchown(folder, owner, -1)


def obstacles(tree: str, changes: Sequence[Change]) -> list[bytes]:
    """Return what is not tracked and stands where the merge wants to write."""
    root = os.fsencode(tree)
    leaving = {change.path for change in changes if change.old is not None}
    found: set[bytes] = set()
    for change in changes:
        if change.new is None:
            continue
        found |= _link_above(root, change.path, leaving)
        place = os.path.join(root, change.path)
        if change.old is not None or not os.path.lexists(place):
            continue
        if os.path.isdir(place) and not os.path.islink(place):
            found |= {path for path in _files_in(root, change.path) if path not in leaving}
        else:
            found.add(change.path)
    return sorted(found)


def _link_above(root: bytes, path: bytes, leaving: set[bytes]) -> set[bytes]:
    parts = path.split(b"/")[:-1]
    for count in range(len(parts)):
        above = b"/".join(parts[: count + 1])
        place = os.path.join(root, above)
        if not os.path.lexists(place):
            return set()
        if os.path.islink(place) or not os.path.isdir(place):
            return set() if above in leaving else {above}
    return set()


def _files_in(root: bytes, path: bytes) -> list[bytes]:
    found: list[bytes] = []
    for folder, folders, files in os.walk(os.path.join(root, path)):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in [*files, *links]]
    return found


def give(folder: str, owner: int) -> None:
    """Let a user own all that is in a folder."""
    for top, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.lchown(os.path.join(top, name), owner, -1)
