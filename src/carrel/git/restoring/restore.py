"""Moving a workspace's files from one commit to another, and its branch along with them."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from carrel.errors import FailedError, RefusedError
from carrel.git.capturing.conversion import Attributes, from_git
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.smudged import noted as smudged
from carrel.git.capturing.snapshot import snapshot
from carrel.git.capturing.subject import Subject
from carrel.git.capturing.tips import GitFolder, Tips
from carrel.git.capturing.view import blob, joined
from carrel.git.filters import NONE
from carrel.git.forest import Forest
from carrel.git.gateway import closed_environment
from carrel.git.nofollow import Below
from carrel.git.objects import EXECUTABLE, LINK, SUBMODULE, Entry, PackWriter
from carrel.git.pathrules import refused_name
from carrel.git.restoring.placing import (
    FILE,
    FOLDER,
    LOCKED,
    NOTHING,
    Order,
    Outcome,
    digest,
    named,
    place,
    write_orders,
)
from carrel.git.restoring.placing import LINK as A_LINK
from carrel.git.storing.transport import pack_private
from carrel.git.throwaway import objects_folder, throwaway_objects
from carrel.system import faults
from carrel.system.processes import run

_ANY_SIZE = 1 << 62
_LARGEST_INDEX = 1 << 30
_TIMEOUT = 600.0
_OURS = os.path.abspath(f"{os.path.dirname(__file__)}/../../..")
"""Where this very package is, for a Python that would not find it by itself."""


def apply(tree: Subject, *, from_commit: str, to_commit: str) -> int:
    """Let the files be those of `to_commit`; only what differs is written.

    The occupant's HEAD, branch and index stay as they are, and so do ignored files. Killed in
    between, the same call completes it.

    Args:
        tree: The workspace.
        from_commit: What its files show now.
        to_commit: What they shall show.

    Returns:
        How many paths were written or removed.

    Raises:
        RefusedError: `changed_meanwhile` or `in_the_way`; nothing was changed.
    """
    reader = tree.stores.vault_reader
    before, after = reader.commit(from_commit).tree, reader.commit(to_commit).tree
    if before == after:
        return 0
    with throwaway_objects(tree.stores.vault) as elsewhere:
        writer = PackWriter(objects_folder(elsewhere), tree.stores.width)
        present = snapshot(tree, writer, (before, after), _ANY_SIZE)
        _refuse_other_work(present.forest, before, present.tree, after)
        orders = _orders(tree, present.forest, present.tree, after)
    faults.point("apply.planned")
    outcome = _place(tree, orders)
    if outcome.in_the_way:
        raise RefusedError(
            "in_the_way",
            f"Nothing was changed: {named(outcome.in_the_way)} would be overwritten.",
            why="It is in no commit, so its content would be lost.",
            cure="Move it away, or let git track it, and try again.",
        )
    faults.point("apply.placed")
    return len(orders)


def advance_branch(tree: Subject, commit: str) -> None:
    """Let the workspace's branch point to a commit whose files it shows already.

    The objects that it lacks are copied in; its index follows if the branch is checked out,
    keeping what it knows about unchanged files. All under git's own locks.

    Args:
        tree: The workspace.
        commit: A commit of the vault.

    Raises:
        RefusedError: `git_busy` when a git process is at work in the workspace, or
            `git_folder_gone` when its `.git` is no folder any more.
    """
    branch = f"refs/heads/{tree.place.branch}"
    home, project = Below(tree.home()), Below(os.fsencode(tree.place.project_home))
    with home, project, Scratch(tree.home(), tree.stores.vault) as scratch:
        folders = [
            (home if one.startswith(home.root + b"/") else project, one) for one in tree.git_dirs()
        ]
        git = GitFolder(folders)
        if git.read(b"HEAD", 4096, Tips()) is None:
            raise RefusedError(
                "git_folder_gone",
                f"The branch of {tree.place.workspace_id} was not moved.",
                why="Its .git is no folder with a HEAD any more.",
                cure="Put it back; the files and checkpoints are safe.",
            )
        orders = _pack_orders(tree, scratch, commit)
        orders += _branch_orders(git, scratch, branch, commit)
    marker = f"{tree.place.home}/advancing"
    stale = _noted(marker, orders)
    outcome = _place(tree, orders, stale)
    if outcome.locked:
        raise RefusedError(
            "git_busy",
            f"The branch of {tree.place.workspace_id} was not moved.",
            why=f"Another git process has locked {named(outcome.locked)}.",
            cure="Try again when it has ended.",
        )
    faults.point("advance.placed")
    os.unlink(marker)


def _noted(marker: str, orders: Sequence[Order]) -> list[str]:
    """Write down which locks are ours before they are taken; return those of killed calls."""
    stale: list[str] = []
    with suppress(FileNotFoundError), open(marker, encoding="ascii") as file:
        stale = file.read().split()
    mine = [digest(order.data) for order in orders if order.kind == LOCKED]
    with open(f"{marker}.new", "w", encoding="ascii") as file:
        file.write("\n".join([*stale, *mine]))
    os.rename(f"{marker}.new", marker)
    return stale


def _refuse_other_work(forest: Forest, before: str, present: str, after: str) -> None:
    """Make sure that each path is as it was, or already as it shall be."""
    wanted = {path: now for path, _, now in forest.differing(before, after)}
    others = [
        path
        for path, _, now in forest.differing(before, present)
        if path not in wanted or wanted[path] != now
    ]
    if others:
        raise RefusedError(
            "changed_meanwhile",
            f"Nothing was changed: {named(others)} changed just now.",
            why="Somebody works in the workspace.",
            cure="Try again; that work will be saved first.",
        )


def _orders(tree: Subject, forest: Forest, before: str, after: str) -> list[Order]:
    reader = tree.stores.vault_reader
    differing = list(forest.differing(before, after))
    for path, _, now in differing:
        for name in path.split(b"/"):
            why = refused_name(name, link=now is not None and now.mode == LINK)
            if why is not None and now is not None:
                raise RefusedError(
                    "path_unsafe", f"{os.fsdecode(path)!r} can't be written.", why=f"{why}."
                )
    files = {path: now for path, _, now in differing if _is_file(now) and now is not None}
    contents = dict(
        zip(
            files,
            (data for _, data in reader.read_many([entry.oid for entry in files.values()])),
            strict=True,
        )
    )
    attributes = Attributes(
        lambda folder: blob(reader, forest.entry(after, joined(folder, b".gitattributes")))
    )
    # A workspace that got pointers keeps getting pointers.
    filters = tree.filters if smudged(tree.place.home) is not None else NONE
    with Scratch(tree.home(), filters.on(tree.stores.vault)) as scratch:
        filtering = bool(filters.names)
        contents.update(from_git(scratch, attributes, files, filtering=filtering))
    return [
        order
        for path, was, now in differing
        for order in _order(path, was, now, contents.get(path, b""))
    ]


def _order(path: bytes, was: Entry | None, now: Entry | None, data: bytes) -> Iterable[Order]:
    submodule = was is not None and was.mode == SUBMODULE
    if now is None:
        yield Order(path, NOTHING)
    elif now.mode == SUBMODULE:
        if not submodule:
            yield Order(path, FOLDER, had=False)
    else:
        # A folder of a submodule may hold a whole repository, so it counts as unknown.
        had = was is not None and not submodule
        mode = 0o777 if now.mode == EXECUTABLE else 0o666
        yield Order(path, A_LINK if now.mode == LINK else FILE, had, mode, data)


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.mode != SUBMODULE


def _pack_orders(tree: Subject, scratch: Scratch, commit: str) -> list[Order]:
    if tree.stores.in_base(commit):
        return []
    folder = f"{scratch.path}/packs"
    os.mkdir(folder)
    pack_private(tree.stores, commit, folder)
    orders: list[Order] = []
    for suffix in (".pack", ".rev", ".idx"):  # the index makes the pack visible, so it is last
        for name in sorted(os.listdir(folder)):
            if name.endswith(suffix):
                with open(f"{folder}/{name}", "rb") as file:
                    path = os.fsencode(f".git/objects/pack/{name}")
                    orders.append(Order(path, FILE, had=True, mode=0o444, data=file.read()))
    return orders


def _branch_orders(git: GitFolder, scratch: Scratch, branch: str, commit: str) -> list[Order]:
    orders: list[Order] = []
    if (git.read(b"HEAD", 4096, Tips()) or b"").strip() == f"ref: {branch}".encode():
        index = git.read(b"index", _LARGEST_INDEX, Tips())
        if index is not None:
            with open(f"{scratch.path}/index", "wb") as file:
                file.write(index)
        scratch.git.run("read-tree", *(["-m"] if index is not None else []), commit)
        with open(f"{scratch.path}/index", "rb") as file:
            orders.append(Order(b".git/index", LOCKED, data=file.read()))
    value = f"{commit}\n".encode()
    return [*orders, Order(os.fsencode(f".git/{branch}"), LOCKED, data=value)]


def _place(tree: Subject, orders: Sequence[Order], stale: Sequence[str] = ()) -> Outcome:
    root = tree.place.tree
    if tree.driver.capabilities.host_path:
        try:
            return place(os.fsencode(root), orders, stale)
        except (IsADirectoryError, NotADirectoryError, FileNotFoundError) as error:
            where = repr(os.fsdecode(error.filename2 or error.filename or b"?"))
            raise _failed(tree, f"{where}: {error.strerror}.") from error
    with Scratch(tree.home(), tree.stores.vault) as scratch:
        file = f"{scratch.path}/orders"
        write_orders(file, orders, stale)
        command = [sys.executable, "-P", "-m", "carrel.git.restoring.placing", root, file]
        inside = tree.driver.enter(tree.place, command)
        done = run(inside, env=closed_environment({"PYTHONPATH": _OURS}), timeout=_TIMEOUT)
    if done.code != 0:
        raise _failed(tree, done.err.decode(errors="replace").strip()[-500:])
    found = json.loads(done.out)
    return Outcome(
        tuple(os.fsencode(path) for path in found["in_the_way"]),
        tuple(os.fsencode(path) for path in found["locked"]),
    )


def _failed(tree: Subject, why: str) -> FailedError:
    return FailedError(
        "placing_failed",
        f"The files of {tree.place.workspace_id} could not be written.",
        why=why,
        cure="Look at what stands there and run 'carrel doctor', then try again: what was written "
        "stays, the rest follows.",
    )
