"""The snapshot driver: a tree is a btrfs subvolume that shares everything with its layer's.

The layer is checked out once into a subvolume beside the workspaces. That one is only a
template: a snapshot lives on without it, so the least recently used are thrown away.
"""

import errno
import os
from collections.abc import Callable, Sequence

from carrel.backends.local import against_index, layered, traps
from carrel.backends.local.homes import held_home
from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed
from carrel.system import disk, faults, processes_seen, subvolumes
from carrel.system.locks import held

_TEMPLATES = ".templates"
_KEPT = 4
_PATIENCE = 600.0


class SnapshotDriver:
    """Copies a whole tree in one system call, on btrfs."""

    name = "snapshot"
    capabilities = Capabilities(host_path=True, layered=True, directory_rename=True, mounts=False)

    def probe(self, where: str) -> Probe:
        """Make a scratch subvolume, copy it, and change the copy."""
        return traps.tried(where, _try)

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Copy the layer's template; the tree appears whole, by one rename."""
        with held_home(place):
            if os.path.lexists(place.tree):
                return
            layered.check_layer(place, lowers)
            new = f"{place.home}/tree.new"
            disk.delete_tree(new)
            _copy_template(place, lowers, new)
            faults.point("driver.snapshot")
            layered.overwrite_seed(f"{new}/.git", seed)
            faults.point("driver.sown")
            against_index.keep_index(place, f"{new}/.git")
            os.rename(new, place.tree)
            faults.point("driver.tree")

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Nothing hides a snapshot; it is only looked for."""
        del lowers
        if not self.presented(place):
            raise FailedError(
                "tree_missing",
                f"The tree of {place.workspace_id} is not at {place.tree}.",
                cure="Run 'carrel reconcile'; it restores the last checkpoint.",
            )

    def presented(self, place: Place) -> bool:
        """Tell whether the subvolume and our index of it are there."""
        there = subvolumes.is_subvolume(place.tree)
        return there and os.path.exists(against_index.index_of(place))

    def withdraw(self, place: Place) -> None:
        """Do nothing: a snapshot takes no mount."""

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Compare with an index of ours."""
        del lowers
        return against_index.changes(place, prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the tree's own `.git/`."""
        del lowers
        return (f"{place.tree}/.git",)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command as it is."""
        del place
        return list(command)

    def occupants(self, place: Place) -> list[Occupant]:
        """List who sits in the tree."""
        seen = processes_seen.sitting_in(place.tree)
        return [Occupant(one.pid, one.command, one.how) for one in seen]


def _copy_template(place: Place, lowers: Sequence[str], new: str) -> None:
    folder = f"{os.path.dirname(place.home)}/{_TEMPLATES}"
    os.makedirs(folder, exist_ok=True)
    name = f"{os.path.basename(place.project_home)}-{place.layer}"
    template = f"{folder}/{name}"
    with held(f"{folder}/{name}.lock", timeout=_PATIENCE):
        if not os.path.isdir(template):
            _make_template(place, lowers, template)
            _throw_away_old(folder)
        os.utime(template)
        # By the index's time git tells which files may have changed in the second in which it
        # was written, and reads those again each time. Nothing changes in a template: from
        # the next second on, all of its files are known to be older.
        os.utime(f"{template}/.git/index")
        subvolumes.snapshot(template, new)


def _make_template(place: Place, lowers: Sequence[str], template: str) -> None:
    making = f"{template}.new"
    disk.delete_tree(making)
    subvolumes.create(making)
    for lower in reversed(lowers):
        _copy_git(f"{lower}/.git", f"{making}/.git")
    faults.point("driver.template")
    against_index.check_out(Git(f"{making}/.git", work_tree=making), place.layer)
    os.rename(making, template)


def _copy_git(source: str, target: str) -> None:
    """Copy a layer's `.git/` over what is there; it holds small files and folders only."""
    os.makedirs(target, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            aim = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                _copy_git(entry.path, aim)
            elif entry.is_file(follow_symlinks=False) and entry.name != "index":
                disk.delete_tree(aim)
                subvolumes.clone_file(entry.path, aim)
                os.chmod(aim, 0o644)


def _throw_away_old(folder: str) -> None:
    """Delete the templates that were not used for longest; those being made are no worry."""
    found = [
        entry
        for entry in os.scandir(folder)
        if entry.is_dir(follow_symlinks=False) and not entry.name.endswith((".new", ".old"))
    ]
    found.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in found[_KEPT:]:
        aside = f"{entry.path}.old"
        if disk.rename_aside(entry.path, aside):
            disk.delete_in_background(aside)


def _try(folder: str) -> Probe:
    one, two = f"{folder}/one", f"{folder}/two"
    try:
        subvolumes.create(one)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        return Probe(
            works=False,
            why="The workspaces are not on btrfs.",
            cure="Put the workspace root on btrfs; snapshots of ZFS and APFS are not supported.",
        )
    _write(f"{one}/file", "layer")
    subvolumes.snapshot(one, two)
    _write(f"{two}/file", "changed")
    with open(f"{one}/file", encoding="ascii") as file:
        shared = file.read() != "layer"
    if shared:
        return Probe(works=False, why="A change in a copy has reached the original.")
    disk.delete_tree(two)  # some machines let users make subvolumes but not delete them
    return Probe(works=True, why="Made a scratch subvolume, copied and deleted it.")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


DRIVER = SnapshotDriver()
