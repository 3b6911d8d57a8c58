"""Finds who still uses an earlier mount of an upper directory.

The kernel knows for certain (`index=on` answers EBUSY for an upper directory in use, in any
namespace, also after a lazy unmount); who it is, only /proc can tell.
"""

import os
from collections.abc import Callable

from carrel.backends.local.layered import upper_of
from carrel.domain.workspaces import Place
from carrel.errors import RefusedError
from carrel.ports.driver import Occupant
from carrel.system import mounts, pins, processes_seen, waiting
from carrel.system.mounts import Mount
from carrel.system.processes_seen import Seen

_NOTE = "device"
_GRACE = 1.5
"""Seconds in which another process of ours closes what it pinned at an unmount."""
PATIENCE = 30.0
"""Seconds that a leaving user of a mount is waited for: the last one syncs the whole disk."""


def is_ours(place: Place) -> Callable[[Mount], bool]:
    """Return the test whether a mount shows this workspace's upper directory."""
    upper = os.fsencode(upper_of(place))
    tree = os.fsencode(place.tree)
    return lambda mount: (
        mount.upper == upper or (mount.point == tree and mount.kind.startswith(b"fuse"))
    )


def note_device(place: Place, device: int) -> None:
    """Remember the number of the mounted file system, by which its users can be found later.

    The kernel gives the number to nobody else while one of them is left.
    """
    with open(f"{place.home}/{_NOTE}", "w", encoding="ascii") as file:
        file.write(str(device))


def survivors(place: Place) -> list[Seen]:
    """List who sees an earlier mount: in another namespace, or by what they have open."""
    found = {seen.pid: seen for seen, _ in processes_seen.seeing(is_ours(place))}
    device = _device(place, mounted=False)
    if device is None:
        return list(found.values())
    for seen in processes_seen.holding_device(device):
        found.setdefault(seen.pid, seen)
    return list(found.values())


def occupants(place: Place, *, idle: Callable[[], bool] = lambda: False) -> list[Occupant]:
    """List who sits in the tree, and who sees its mount from a namespace of their own.

    A namespace that receives our mounts and unmounts (a service's private one) does not keep
    the mount, so its processes are not listed unless they sit in the tree.

    Args:
        place: Where.
        idle: Tells whether nobody of our namespace uses the mount; asked where there is just
            one. It spares looking into every process of the machine.
    """
    ours = is_ours(place)
    here = [mount for mount in mounts.mounts() if ours(mount)]
    peers = frozenset[bytes]().union(*(mount.peers for mount in here))
    elsewhere = processes_seen.seeing(ours)
    alone = len(here) == 1 and idle()
    among = [seen.pid for seen, _ in elsewhere] if alone else None
    found = {seen.pid: seen for seen in processes_seen.sitting_in(place.tree, among)}
    seeing = [seen for seen, mount in elsewhere if not (mount.peers & peers)]
    others = [seen for seen in seeing if seen.pid not in found]
    device = _device(place, mounted=bool(here)) if others else None
    holding = {seen.pid for seen in processes_seen.holding_device(device)} if device else set[int]()
    return [
        *(Occupant(seen.pid, seen.command, seen.how) for seen in found.values()),
        *(Occupant(seen.pid, seen.command, seen.how, seen.pid in holding) for seen in others),
    ]


def _device(place: Place, *, mounted: bool) -> int | None:
    """Return the number of the file system that is, or was, mounted at the tree."""
    try:
        if mounted:
            return os.stat(place.tree).st_dev
        with open(f"{place.home}/{_NOTE}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def wait_or_refuse(place: Place, attempt: Callable[[], bool]) -> None:
    """Repeat `attempt` until nobody uses the earlier mount any more.

    Those who are on their way out (a background unmount, a process that ends) are waited
    for; as soon as somebody is seen who stays, it is refused.

    Raises:
        RefusedError: `upper_in_use`.
    """
    pins.let_go(place.tree)
    if waiting.until(attempt, _GRACE):
        return
    seen = survivors(place)
    if not seen and waiting.until(attempt, PATIENCE):
        return
    raise in_use(place, seen or survivors(place))


def in_use(place: Place, seen: list[Seen]) -> RefusedError:
    """Say who is in the way."""
    named = "; ".join(f"process {one.pid} ({one.command}) {one.how}" for one in seen[:3])
    return RefusedError(
        "upper_in_use",
        f"The tree of {place.workspace_id} is still shown by an earlier mount.",
        why=f"{named}." if named else "The kernel says that its upper directory is in use.",
        cure="End these processes, then try again; two mounts of one tree would destroy it."
        if named
        else "Unmount it where it is mounted, or wait for it to end, then try again.",
    )
