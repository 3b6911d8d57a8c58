"""The plainest driver there can be: a copy of the layer, compared file by file.

Slow and simple on purpose. Tests of the tree engine use it where the driver doesn't matter.
"""
# ruff: noqa: ARG002 - the arguments are those of the port

import filecmp
import os
import shutil
import stat
from collections.abc import Callable, Sequence

from carrel.domain.delta import Folder, Gone, Leaf, LeafKind, Node
from carrel.domain.workspaces import Place
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed


class PlainDriver:
    """Copies the topmost lower folder, and finds changes by comparing everything."""

    name = "plain"
    capabilities = Capabilities(host_path=True, layered=True, directory_rename=True, mounts=False)

    def probe(self, where: str) -> Probe:
        """Say that a copy works in any folder that can be written."""
        return Probe(works=os.access(where, os.W_OK), why="A copy needs nothing special.")

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Copy the layer and write the private git directory."""
        shutil.copytree(lowers[0], place.tree, symlinks=True)
        for name, data in seed.files:
            path = f"{place.tree}/.git/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Do nothing: the copy is always there."""

    def presented(self, place: Place) -> bool:
        """Tell whether the copy is there."""
        return os.path.isdir(place.tree)

    def withdraw(self, place: Place) -> None:
        """Do nothing: the copy stays."""

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Compare the copy with the layer."""
        root = os.fsencode(place.tree), os.fsencode(lowers[0])
        return _compare(*root, b"", prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the one folder of the private git directory."""
        return (f"{place.tree}/.git",)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command: the tree is visible everywhere."""
        return list(command)

    def occupants(self, place: Place) -> list[Occupant]:
        """Return nothing: nobody can be in the way of a copy."""
        return []


def _compare(tree: bytes, layer: bytes, path: bytes, prune: Callable[[bytes], bool]) -> Folder:
    present = _names(tree, path) - ({b".git"} if not path else set())
    before = _names(layer, path)
    children: dict[bytes, Node] = {name: Gone() for name in before - present}
    for name in present:
        inner = path + b"/" + name if path else name
        node = _node(tree, layer, inner, prune)
        if node is not None:
            children[name] = node
    return Folder(path if _is_folder(layer, path) else None, children)


def _node(tree: bytes, layer: bytes, path: bytes, prune: Callable[[bytes], bool]) -> Node | None:
    here, there = tree + b"/" + path, layer + b"/" + path
    status = os.lstat(here)
    if stat.S_ISDIR(status.st_mode):
        if not _is_folder(layer, path) and prune(path):
            return None
        folder = _compare(tree, layer, path, prune)
        return None if folder.base == path and not folder.children else folder
    if _same(here, there, status):
        return None
    return Leaf(here, _kind(status), bool(status.st_mode & stat.S_IXUSR), status.st_size)


def _same(here: bytes, there: bytes, status: os.stat_result) -> bool:
    if not os.path.lexists(there):
        return False
    other = os.lstat(there)
    if status.st_mode != other.st_mode:
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(here) == os.readlink(there)
    return stat.S_ISREG(status.st_mode) and filecmp.cmp(here, there, shallow=False)


def _kind(status: os.stat_result) -> LeafKind:
    if stat.S_ISREG(status.st_mode):
        return LeafKind.FILE
    return LeafKind.LINK if stat.S_ISLNK(status.st_mode) else LeafKind.OTHER


def _is_folder(root: bytes, path: bytes) -> bool:
    whole = root + b"/" + path
    return os.path.isdir(whole) and not os.path.islink(whole)


def _names(root: bytes, path: bytes) -> set[bytes]:
    return set(os.listdir(root + b"/" + path)) if _is_folder(root, path) else set()
