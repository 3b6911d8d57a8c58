"""Writing into a tree that somebody else may be changing: never through a link, never half.

Runs in this process where the tree is visible; else as `python -m` of this module where it is,
inside the driver's namespace. So it imports little, and its orders come as a plain file.
"""

import hashlib
import json
import marshal
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple

from carrel.domain.records import dataclass
from carrel.git.nofollow import Below
from carrel.system import faults

FILE, LINK, FOLDER, NOTHING = "file", "link", "folder", "nothing"
LOCKED = "locked"
"""A file of git's that is replaced under git's own lock: `<name>.lock`, then rename."""

_OURS = b".carrel-new-"
_LARGEST_LOCK = 1 << 30
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Order:
    """What shall stand at a path.

    Attributes:
        path: Below the tree; already checked to be no path that git would refuse.
        kind: What shall be there; `NOTHING` removes.
        had: Something known to be safe stands there now and may be replaced.
        mode: Permissions of a file.
        data: Bytes of a file, or the target of a link.
    """

    path: bytes
    kind: str
    had: bool = True
    mode: int = 0o644
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went.

    Attributes:
        in_the_way: Paths at which something unknown stands; if there are any, nothing was done.
        locked: Files that another git process has locked; same.
    """

    in_the_way: tuple[bytes, ...] = ()
    locked: tuple[bytes, ...] = ()


def place(root: bytes, orders: Sequence[Order], stale: Sequence[str] = ()) -> Outcome:
    """Carry out all orders, or none if something is in the way.

    Every file appears whole. Killed in between, the same call completes it.

    Args:
        root: Absolute folder of the tree.
        orders: One per path.
        stale: Digests (see `digest`) of locks that killed calls may have left; nobody else's.
    """
    with Below(root) as below:
        placing = _Placing(below, orders, stale)
        in_the_way = tuple(sorted(placing.in_the_way()))
        if in_the_way:
            return Outcome(in_the_way=in_the_way)
        locked = placing.lock()
        if locked:
            return Outcome(locked=locked)
        faults.point("place.locked")
        placing.remove()
        faults.point("place.removed")
        placing.put()
        placing.unlock()
        placing.sweep()
    return Outcome()


def digest(data: bytes) -> str:
    """Return what identifies the content of a lock."""
    return hashlib.sha256(data).hexdigest()


class _Placing:
    def __init__(self, below: Below, orders: Sequence[Order], stale: Sequence[str]) -> None:
        self.below = below
        self.orders = orders
        self.stale = frozenset(stale)
        self.removed = {order.path for order in orders if order.kind == NOTHING}
        self.owner = os.stat(below.root)
        self.count = 0

    # --- looking ---------------------------------------------------------------------------

    def in_the_way(self) -> Iterable[bytes]:
        """Find what stands where something is to be written and isn't known."""
        seen: set[bytes] = set()
        for order in self.orders:
            if order.kind in {NOTHING, LOCKED}:
                continue
            yield from self._above(order.path, seen)
            if not order.had:
                yield from self._at(order)

    def _above(self, path: bytes, seen: set[bytes]) -> Iterable[bytes]:
        folder = path.rpartition(b"/")[0]
        while folder and folder not in seen:
            seen.add(folder)
            found = self._status(folder)
            if found is not None and not stat.S_ISDIR(found.st_mode) and folder not in self.removed:
                yield folder
            folder = folder.rpartition(b"/")[0]

    def _at(self, order: Order) -> Iterable[bytes]:
        found = self._status(order.path)
        if found is None or self._is_done(order, found):
            return
        if stat.S_ISDIR(found.st_mode):
            yield from self._unknown_below(order.path)
        elif order.path not in self.removed:
            yield order.path

    def _is_done(self, order: Order, found: os.stat_result) -> bool:
        if order.kind == FOLDER:
            return stat.S_ISDIR(found.st_mode)
        whole = self._whole(order.path)
        if order.kind == LINK:
            return stat.S_ISLNK(found.st_mode) and self.below.link(whole) == order.data
        if not stat.S_ISREG(found.st_mode) or found.st_size != len(order.data):
            return False
        return self.below.small(whole, len(order.data)) == order.data

    def _unknown_below(self, path: bytes) -> Iterable[bytes]:
        for name in self.below.names(self._whole(path)):
            inner = path + b"/" + name
            found = self._status(inner)
            if found is not None and stat.S_ISDIR(found.st_mode):
                yield from self._unknown_below(inner)
            elif inner not in self.removed:
                yield inner

    def _status(self, path: bytes) -> os.stat_result | None:
        try:
            return self.below.stat(self._whole(path))
        except OSError:  # something above it is no folder
            return None

    def _whole(self, path: bytes) -> bytes:
        return self.below.root + b"/" + path

    # --- acting ----------------------------------------------------------------------------

    def lock(self) -> tuple[bytes, ...]:
        """Take git's lock of every file that needs it, or none."""
        taken: list[bytes] = []
        for order in self.orders:
            if order.kind == LOCKED:
                if not self._lock(order):
                    for name in taken:
                        self._unlink(name)
                    return (order.path,)
                taken.append(order.path + b".lock")
                faults.point("place.locking")
        return ()

    def _lock(self, order: Order) -> bool:
        """Link the new content to the lock's name: it is there as a whole or not at all."""
        lock = order.path + b".lock"
        folder, name = self._folder_of(lock)
        held = self.below.small(self._whole(lock), _LARGEST_LOCK)
        if held is not None and digest(held) in self.stale:
            self._unlink(lock)
        mine = self._temporary(order)
        try:
            os.link(mine[1], name, src_dir_fd=mine[0], dst_dir_fd=folder)
        except FileExistsError:
            return False
        finally:
            os.unlink(mine[1], dir_fd=mine[0])
        return True

    def unlock(self) -> None:
        """Rename every locked file into place, in the order given."""
        for order in self.orders:
            if order.kind == LOCKED:
                folder, last = self._folder_of(order.path)
                faults.point("place.unlocking")
                os.rename(last + b".lock", last, src_dir_fd=folder, dst_dir_fd=folder)

    def remove(self) -> None:
        """Remove what shall be gone, and the folders that become empty by it."""
        for path in sorted(self.removed, reverse=True):
            found = self._status(path)
            if found is None:
                continue
            if stat.S_ISDIR(found.st_mode):  # a submodule; one that holds something stays
                self._remove_empty(path)
            else:
                self._unlink(path)
            faults.point("place.unlinked")
            self._remove_empty(path.rpartition(b"/")[0])

    def put(self) -> None:
        """Write files, links and folders, in the order given."""
        for order in self.orders:
            if order.kind in {NOTHING, LOCKED}:
                continue
            found = self._status(order.path)
            if found is not None and stat.S_ISDIR(found.st_mode) and order.kind != FOLDER:
                self._remove_empties(order.path)
            folder, name = self._folder_of(order.path)
            if order.kind == FOLDER:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=folder)
                continue
            mine = self._temporary(order)
            faults.point("place.temporary")
            folder, name = self._folder_of(order.path)
            os.rename(mine[1], name, src_dir_fd=mine[0], dst_dir_fd=folder)

    def sweep(self) -> None:
        """Remove what killed calls left; the caller keeps two calls from working at once."""
        with suppress(OSError):
            for name in self.below.names(self._whole(b".git")):
                if name.startswith(_OURS):
                    os.unlink(name, dir_fd=self.below.folder(self._whole(b".git")))

    def _temporary(self, order: Order) -> tuple[int, bytes]:
        """Write the new thing where no checkpoint looks, on the same file system."""
        self.count += 1
        name = _OURS + b"%d-%d" % (os.getpid(), self.count)
        folder = self._temporary_folder(order.path)
        if order.kind == LINK:
            os.symlink(order.data, name, dir_fd=folder)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(name, flags, order.mode, dir_fd=folder)
            with open(handle, "wb") as file:
                file.write(order.data)
        if os.geteuid() == 0 and self.owner.st_uid != 0:
            ids = self.owner.st_uid, self.owner.st_gid
            os.chown(name, *ids, dir_fd=folder, follow_symlinks=False)
        return folder, name

    def _temporary_folder(self, path: bytes) -> int:
        try:
            return self.below.folder(self._whole(b".git"))
        except OSError:  # the occupant replaced it
            return self._folder_of(path)[0]

    def _folder_of(self, path: bytes) -> tuple[int, bytes]:
        """Return the folder above a path, made if it is missing, and the last name."""
        above, _, name = path.rpartition(b"/")
        at = self.below.root
        for part in above.split(b"/") if above else []:
            here, at = at, at + b"/" + part
            if self.below.stat(at) is None:
                with suppress(FileExistsError):
                    handle = self.below.folder(here)
                    os.mkdir(part, dir_fd=handle)
                    if os.geteuid() == 0 and self.owner.st_uid != 0:
                        os.chown(
                            part, self.owner.st_uid, self.owner.st_gid,
                            dir_fd=handle, follow_symlinks=False,
                        )  # fmt: skip
        return self.below.folder(at), name

    def _unlink(self, path: bytes) -> None:
        above, _, name = self._whole(path).rpartition(b"/")
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.below.folder(above))

    def _remove_empty(self, path: bytes) -> None:
        """Remove a folder if it is empty, and then those above it."""
        while path:
            above, _, name = self._whole(path).rpartition(b"/")
            try:
                os.rmdir(name, dir_fd=self.below.folder(above))
            except OSError:
                return
            self.below.close()  # a descriptor of the removed folder must not be used again
            path = path.rpartition(b"/")[0]

    def _remove_empties(self, path: bytes) -> None:
        for name in self.below.names(self._whole(path)):
            self._remove_empties(path + b"/" + name)
        above, _, name = self._whole(path).rpartition(b"/")
        self.below.close()
        os.rmdir(name, dir_fd=self.below.folder(above))
        self.below.close()


def write_orders(path: str, orders: Sequence[Order], stale: Sequence[str] = ()) -> None:
    """Write orders for a process inside a namespace."""
    with open(path, "wb") as file:
        marshal.dump([list(stale), *(astuple(order) for order in orders)], file)


def named(paths: Sequence[bytes]) -> str:
    """Return paths as text for a message, the first ten of them."""
    shown = ", ".join(repr(os.fsdecode(path)) for path in paths[:_NAMED])
    return shown + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")


def main() -> None:
    """Carry out the orders of a file: `python -m carrel.git.restoring.placing TREE FILE`."""
    with open(sys.argv[2], "rb") as file:
        stale, *fields = marshal.load(file)  # noqa: S302 - written by us
    outcome = place(os.fsencode(sys.argv[1]), [Order(*one) for one in fields], stale)
    found = {
        "in_the_way": [os.fsdecode(path) for path in outcome.in_the_way],
        "locked": [os.fsdecode(path) for path in outcome.locked],
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
