"""Springs the traps that a driver must survive, in a scratch folder.

Versions and names of kernels say little; what is written here did go wrong somewhere.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from carrel.domain.delta import Folder, Gone, Leaf, Node
from carrel.domain.workspaces import Place
from carrel.errors import CarrelError
from carrel.ports.driver import Driver, Probe, Seed
from carrel.system import disk

PREFIX = ".carrel-probe-"
_LAYER = "0" * 40
_SEED = Seed((("HEAD", b"ref: refs/heads/probe\n"),))


@contextmanager
def scratch(where: str) -> Generator[str, None, None]:
    """Lend a folder inside `where` and leave nothing of it."""
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=where)
    os.chmod(folder, 0o755)  # noqa: S103 - another user's namespace looks in
    try:
        yield folder
    finally:
        disk.delete_tree(folder)


def tried(where: str, attempt: Callable[[str], Probe]) -> Probe:
    """Run `attempt` in a scratch folder inside `where`; what fails is told, not raised."""
    try:
        with scratch(where) as folder:
            return attempt(folder)
    except OSError as error:
        return Probe(
            works=False,
            why=f"{where} can't be used: {error.strerror}.",
            cure="Choose another workspace root, or correct its permissions.",
        )
    except CarrelError as error:
        return Probe(works=False, why=f"{error.what} {error.why}".strip(), cure=error.cure)


def overlay(driver: Driver, folder: str) -> Probe:
    """Try a driver of the overlay family in an empty folder.

    Returns:
        A probe that works, or the first trap that it fell into.
    """
    home, layer = f"{folder}/home", f"{folder}/layer"
    os.mkdir(home)
    _make_layer(layer)
    place = Place("ws-probe", home, folder, driver.name, _LAYER, "probe")
    try:
        driver.create(place, [layer], _SEED)
        driver.present(place, [layer])
        why = _spring(driver, place, layer)
    except CarrelError as error:
        return Probe(works=False, why=f"{error.what} {error.why}".strip(), cure=error.cure)
    except OSError as error:
        return Probe(works=False, why=f"A mounted tree fails: {error}.", cure=_cure(error))
    finally:
        with suppress(CarrelError):
            driver.withdraw(place)
    if why:
        return Probe(works=False, why=why, cure="Use another driver, or a newer kernel.")
    return Probe(works=True, why="Mounted, changed and read back a scratch tree.")


def _cure(error: OSError) -> str:
    if error.errno == errno.EROFS:
        return "Put the workspaces on a file system that can be written."
    return "Put the workspaces on ext4, xfs or btrfs, or use another driver."


def _make_layer(layer: str) -> None:
    for name in ("", "/.git", "/moved", "/again"):
        os.mkdir(layer + name)
    _write(f"{layer}/.git/carrel-layer", _LAYER.encode())
    for name in ("kept", "edited", "deleted", "moved/file", "again/old", "appended"):
        _write(f"{layer}/{name}", b"layer\n")
    os.symlink("kept", f"{layer}/link")


def _spring(driver: Driver, place: Place, layer: str) -> str:
    """Change one thing of every kind and compare what the driver reads with what was done."""
    tree = place.tree
    for _ in range(2):  # the second opening is what fails when an upper is mounted twice
        with open(f"{tree}/appended", "ab") as file:
            file.write(b"more\n")
            os.fsync(file.fileno())
    _write(f"{tree}/edited", b"changed\n")
    os.unlink(f"{tree}/deleted")
    _write(f"{tree}/new", b"new\n")
    os.unlink(f"{tree}/again/old")
    os.rmdir(f"{tree}/again")
    os.mkdir(f"{tree}/again")
    _write(f"{tree}/again/new", b"new\n")
    os.chmod(f"{tree}/kept", 0o755)  # noqa: S103
    expected: dict[bytes, str] = {
        b"appended": "file", b"edited": "file", b"deleted": "gone", b"new": "file",
        b"again": "folder over nothing", b"kept": "program",
    }  # fmt: skip
    if driver.capabilities.directory_rename:
        os.rename(f"{tree}/moved", f"{tree}/renamed")
        expected |= {b"moved": "gone", b"renamed": "folder over moved"}
    found = {
        name: _described(node)
        for name, node in driver.delta(place, [layer], lambda _: False).children.items()
    }
    if found != expected:
        wrong = sorted(set(found.items()) ^ set(expected.items()))
        return f"What was changed is not what is read back: {wrong}."
    return _content(tree, layer)


def _content(tree: str, layer: str) -> str:
    if _read(f"{tree}/appended") != b"layer\nmore\nmore\n":
        return "A file that was appended to twice has lost something."
    if _read(f"{layer}/appended") != b"layer\n" or not os.path.exists(f"{layer}/deleted"):
        return "A change in the tree has reached the layer."
    if stat.S_IMODE(os.stat(f"{layer}/kept").st_mode) & 0o111:
        return "A change of mode in the tree has reached the layer."
    return ""


def _described(node: Node) -> str:
    match node:
        case Gone():
            return "gone"
        case Leaf():
            return "program" if node.executable else node.kind.value
        case Folder():
            return f"folder over {os.fsdecode(node.base) if node.base else 'nothing'}"


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
