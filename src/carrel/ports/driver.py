"""A driver: one way to present a workspace's tree."""

from collections.abc import Callable, Sequence
from typing import Protocol

from carrel.domain.delta import Folder
from carrel.domain.records import dataclass
from carrel.domain.workspaces import Place


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do; values to read, never classes to test.

    Attributes:
        host_path: The tree is visible to every process at `Place.tree`.
        layered: It stands on a layer (else the tree is checked out in full).
        directory_rename: `rename(2)` of a folder of the layer works.
        mounts: Its trees must be mounted again after a reboot.
    """

    host_path: bool
    layered: bool
    directory_rename: bool
    mounts: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a driver works here, found out by trying.

    Attributes:
        works: True when every trap was passed.
        why: One sentence; why not, or what was tried.
        cure: What would make it work; empty when it works or nothing can.
    """

    works: bool
    why: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Occupant:
    """A process that sits in a tree or still sees its mount.

    Attributes:
        pid: Its process id.
        command: Its command line.
        how: What it has to do with the tree, after "it".
        sits: It works in the tree or has files of it open; False when its namespace merely
            has the mount, as every sandbox started meanwhile does.
    """

    pid: int
    command: str
    how: str
    sits: bool = True


@dataclass(frozen=True, slots=True)
class Seed:
    """The files of a new workspace's own `.git/`, relative path to bytes."""

    files: tuple[tuple[str, bytes], ...]


class Driver(Protocol):
    """Makes, shows, reads and hides one kind of tree. Every method may be repeated."""

    name: str
    capabilities: Capabilities

    def probe(self, where: str) -> Probe:
        """Try the driver in a scratch folder inside `where`, leaving nothing behind."""
        ...

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Make a new tree and present it.

        Args:
            place: Where; `place.home` exists and is empty but for locks.
            lowers: Absolute folders of the layer, top first (empty for drivers without).
            seed: Files for the workspace's private `.git/`.
        """
        ...

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Make the tree visible again (after a reboot, after `withdraw`), and prove it.

        Raises:
            RefusedError: `upper_in_use` when somebody still sees an earlier mount.
        """
        ...

    def presented(self, place: Place) -> bool:
        """Tell whether the tree is there now, by proof (filesystem type, layer's marker)."""
        ...

    def withdraw(self, place: Place) -> None:
        """Hide the tree without losing anything; nothing happens if it isn't presented."""
        ...

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Read what differs from the layer.

        Args:
            place: The workspace.
            lowers: As for `create`.
            prune: Asked with the path of each folder that the layer does not have; True
                leaves it out unread.
        """
        ...

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the host folders that make up the workspace's `.git/`, topmost first."""
        ...

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command line that runs `command` where the tree is visible."""
        ...

    def occupants(self, place: Place) -> list[Occupant]:
        """List the processes that sit in the tree or see its mount, except this one."""
        ...
