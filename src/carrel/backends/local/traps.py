"""Springs the traps that a driver must survive, in a scratch folder.

Versions and names of kernels say little; what is written here did go wrong somewhere.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from carrel.backends.local import springs
from carrel.backends.local.layered import MARKER
from carrel.domain.delta import Folder, Gone, Leaf, Node
from carrel.domain.workspaces import Place
from carrel.errors import CarrelError
from carrel.ports.driver import Driver, Probe, Seed
from carrel.system import disk
from carrel.system.locks import held, release, try_acquire
from carrel.system.processes import run

PREFIX = ".carrel-probe-"
_LAYER = "0" * 40
_SEED = Seed((("HEAD", b"ref: refs/heads/probe\n"),))


@contextmanager
def scratch(where: str) -> Generator[str, None, None]:
    """Lend a folder inside `where` and leave nothing of it."""
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=where)
    with held(folder):
        try:
            yield folder
        finally:
            disk.delete_tree(folder)


def left(where: str) -> list[str]:
    """Return the scratch folders of probes that were killed."""
    found: list[str] = []
    for name in sorted(os.listdir(where)) if os.path.isdir(where) else ():
        lock = try_acquire(f"{where}/{name}") if name.startswith(PREFIX) else None
        if lock is not None:
            release(lock)
            found.append(f"{where}/{name}")
    return found


def sweep(driver: Driver, where: str) -> None:
    """Clear away what probes of this driver left that were killed."""
    for name in os.listdir(where):
        folder = f"{where}/{name}"
        if not name.startswith(PREFIX) or not os.path.exists(f"{folder}/{driver.name}"):
            continue
        lock = try_acquire(folder)
        if lock is None:
            continue  # it is at work
        try:
            driver.withdraw(_place(driver, folder))
            disk.delete_tree(folder)
        finally:
            release(lock)


def tried(where: str, attempt: Callable[[str], Probe]) -> Probe:
    """Run `attempt` in a scratch folder inside `where`; what fails is told, not raised."""
    try:
        with scratch(where) as folder:
            return attempt(folder)
    except OSError as error:
        return Probe(
            works=False,
            why=f"Trying it in {where} failed: {error.strerror}.",
            cure="Choose another workspace root, or correct its permissions.",
        )
    except CarrelError as error:
        return Probe(works=False, why=f"{error.what} {error.why}".strip(), cure=error.cure)


def _place(driver: Driver, folder: str) -> Place:
    home = f"{folder}/{driver.name}"
    return Place("ws-probe", home, folder, driver.name, _LAYER, "probe")


def overlay(
    driver: Driver,
    folder: str,
    *,
    refuses_second: Callable[[Place, Sequence[str]], bool],
) -> Probe:
    """Try a driver of the overlay family in an empty folder.

    Args:
        driver: The driver.
        folder: Empty.
        refuses_second: Tries to mount the same upper directory elsewhere; True when that
            was refused.

    Returns:
        A probe that works, or the first trap that it fell into.
    """
    sweep(driver, os.path.dirname(folder))
    layer = f"{folder}/layer"
    place = _place(driver, folder)
    os.mkdir(place.home)
    springs.make_layer(layer, MARKER, _LAYER)
    try:
        driver.create(place, [layer], _SEED)
        driver.present(place, [layer])
        why = _sprung(driver, place) or _told(driver, place, layer)
        if not why and not refuses_second(place, [layer]):
            why = "One upper directory can be mounted twice here; that destroys it."
    finally:
        driver.withdraw(place)
    if why:
        return Probe(works=False, why=why, cure="Use another driver, or a newer kernel.")
    return Probe(works=True, why="Mounted, changed and read back a scratch tree.")


def _sprung(driver: Driver, place: Place) -> str:
    renames = driver.capabilities.directory_rename
    if driver.capabilities.host_path:
        return springs.spring(place.tree, renames=renames)
    program = [sys.executable, "-I", "-S", springs.__file__, place.tree, str(renames)]
    done = run(driver.enter(place, program), cwd="/", timeout=30)
    words = os.fsdecode(done.out).strip()
    return words if done.code == 0 else f"Entering failed: {os.fsdecode(done.err).strip()}"


def _told(driver: Driver, place: Place, layer: str) -> str:
    """Compare what the driver reads with what was done, and look at the layer."""
    expected = {
        b"appended": "file",
        b"edited": "file",
        b"deleted": "gone",
        b"new": "file",
        b"again": "folder over nothing",
        b"kept": "program",
    }
    if driver.capabilities.directory_rename:
        expected |= {b"moved": "gone", b"renamed": "folder over moved"}
    children = driver.delta(place, [layer], lambda _: False).children
    found = {name: _described(node) for name, node in children.items()}
    if found != expected:
        wrong = sorted(set(found.items()) ^ set(expected.items()))
        return f"What was changed is not what is read back: {wrong}."
    for name in springs.LAYER_FILES:
        with open(f"{layer}/{name}", "rb") as file:
            if file.read() != b"layer\n":
                return "A change in the tree has reached the layer."
    if os.stat(f"{layer}/kept").st_mode & 0o111:
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
