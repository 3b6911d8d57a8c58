"""What the drivers that stand on a layer have in common: folders, seed, proof.

A home holds `upper/` (what the workspace changed), `work/` (the kernel's own) and `tree/`
(the mount point). `upper/` appears complete with its seed, by one rename, or not at all.
"""

import os
import stat
from collections.abc import Sequence

from carrel.domain.workspaces import Place
from carrel.errors import FailedError, RefusedError
from carrel.ports.driver import Seed
from carrel.system import disk, faults

MARKER = ".git/carrel-layer"
"""File in the top folder of a layer; holds the layer's commit."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def upper_of(place: Place) -> str:
    """Return the folder that takes a workspace's changes."""
    return f"{place.home}/upper"


def work_of(place: Place) -> str:
    """Return the folder that the overlay needs for itself, on the same file system."""
    return f"{place.home}/work"


def git_dirs(place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
    """Return the folders that make up `.git/`, topmost first."""
    return (f"{upper_of(place)}/.git", *(f"{lower}/.git" for lower in lowers))


def sow(place: Place, seed: Seed) -> None:
    """Make the folders of a new workspace; one that is there already stays as it is."""
    upper = upper_of(place)
    if not os.path.isdir(upper):
        _sow_upper(f"{upper}.new", upper, seed)
    make_folders(place)


def make_folders(place: Place) -> None:
    """Make the mount point and the overlay's own folder where they are missing."""
    for folder in (work_of(place), place.tree):
        try:
            os.mkdir(folder)
        except FileExistsError:
            continue


def write_seed(git_dir: str, seed: Seed) -> None:
    """Write the files of a new `.git/` into a folder that does not exist yet."""
    os.mkdir(git_dir)
    made = {""}
    for relative, content in seed.files:
        _make_parents(git_dir, relative.rpartition("/")[0], made)
        handle = os.open(f"{git_dir}/{relative}", _NEW, 0o644)
        try:
            os.write(handle, content)
        finally:
            os.close(handle)


def overwrite_seed(git_dir: str, seed: Seed) -> None:
    """Write the files of a new `.git/` over those of the layer."""
    for relative, content in seed.files:
        path = f"{git_dir}/{relative}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        disk.delete_tree(path)
        handle = os.open(path, _NEW, 0o644)
        try:
            os.write(handle, content)
        finally:
            os.close(handle)


def _make_parents(top: str, folder: str, made: set[str]) -> None:
    if folder in made:
        return
    _make_parents(top, folder.rpartition("/")[0], made)
    os.mkdir(f"{top}/{folder}")
    made.add(folder)


def _sow_upper(new: str, upper: str, seed: Seed) -> None:
    try:
        os.mkdir(new)
    except FileExistsError:  # left by a process that was killed here
        disk.delete_tree(new)
        os.mkdir(new)
    write_seed(f"{new}/.git", seed)
    faults.point("driver.sown")
    os.rename(new, upper)
    faults.point("driver.upper")


def shows_layer(place: Place) -> bool:
    """Tell whether the layer's marker is visible, or hidden by the workspace itself."""
    try:
        with open(f"{place.tree}/{MARKER}", "rb") as file:
            if file.read(200).strip() == place.layer.encode():
                return True
    except OSError:
        pass
    return hides_marker(place)


def hides_marker(place: Place) -> bool:
    """Tell whether the workspace itself covers the layer's marker.

    Whoever works there may delete or replace `.git`; then the upper directory says so.
    """
    try:
        if not stat.S_ISDIR(os.lstat(f"{upper_of(place)}/.git").st_mode):
            return True
    except FileNotFoundError:
        return False
    return os.path.lexists(f"{upper_of(place)}/{MARKER}") or _opaque(f"{upper_of(place)}/.git")


def _opaque(folder: str) -> bool:
    for prefix in ("trusted.overlay", "user.overlay", "user.fuseoverlayfs"):
        try:
            if os.getxattr(folder, f"{prefix}.opaque", follow_symlinks=False) == b"y":
                return True
        except OSError:
            continue
    return False


def refuse_hidden_files(place: Place) -> None:
    """Refuse to mount over files that somebody wrote while the tree was not there.

    Raises:
        RefusedError: `tree_not_empty`.
    """
    names = os.listdir(place.tree)
    if names:
        shown = ", ".join(repr(name) for name in sorted(names)[:3])
        raise RefusedError(
            "tree_not_empty",
            f"The tree of {place.workspace_id} can't be shown at {place.tree}.",
            why=f"Files were written there while it was hidden: {shown}.",
            cure="Move them elsewhere, then try again; inside the tree they would be covered.",
        )


def check_layer(place: Place, lowers: Sequence[str]) -> None:
    """Say clearly that a layer is missing, before the kernel says it obscurely.

    Raises:
        FailedError: `layer_missing`.
    """
    missing = [lower for lower in lowers if not os.path.isdir(lower)]
    if missing or not lowers:
        raise FailedError(
            "layer_missing",
            f"The layer of {place.workspace_id} is not on disk.",
            why=f"{missing[0] if missing else 'It'} does not exist.",
            cure="Run 'carrel reconcile'; it builds the layer again.",
        )
