"""The overlay of the program fuse-overlayfs: needs no right but `/dev/fuse`, and is slower.

One process serves each tree. It inherits a lock on the upper directory, so the lock is held
exactly as long as something can be written there: nobody has to look for survivors.
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from carrel.backends.local import layered, survivors, traps
from carrel.backends.local.homes import held_home, there
from carrel.backends.local.layered import upper_of, work_of
from carrel.backends.local.survivors import in_use
from carrel.backends.local.upper import FUSE, read_upper
from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError, RefusedError
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed
from carrel.system import daemons, faults, locks, mounts, processes_seen, waiting
from carrel.system.processes import run
from carrel.system.processes_seen import Seen

_PROGRAM = "fuse-overlayfs"
_KINDS = (b"fuse", b"fuse.fuse-overlayfs")
"""As `statmount` and as mountinfo call it."""
_UNMOUNTERS = ("fusermount3", "fusermount")
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class FuseOverlayDriver:
    """Has a program serve the tree; this user's processes see it."""

    name = "fuse_overlay"
    capabilities = Capabilities(host_path=True, layered=True, directory_rename=False, mounts=True)

    def probe(self, where: str) -> Probe:
        """Serve a scratch tree and spring every trap in it."""
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            return Probe(
                works=False,
                why="/dev/fuse can't be opened.",
                cure="Load the kernel module 'fuse' and let users open it; in a container, "
                "start it with '--device /dev/fuse'.",
            )
        return traps.tried(
            where,
            lambda folder: traps.overlay(self, folder, refuses_second=self._refuses_second),
        )

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Make the folders and have the tree served."""
        with held_home(place):
            layered.check_layer(place, lowers)
            layered.sow(place, seed)
            self._show(place, lowers)

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Have the tree served unless it is; a dead server's mount is cleared away first."""
        with held_home(place):
            self._show(place, lowers)

    def presented(self, place: Place) -> bool:
        """Tell whether the server is mounted, alive and awake, and the layer shows."""
        return self._awake(place) and layered.shows_layer(place)

    def withdraw(self, place: Place) -> None:
        """Detach the mount; its server ends when the last user has left."""
        if not there(place):
            return
        with held_home(place):
            if self._mounted(place):
                _unmount(place)
                faults.point("driver.detached")

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Read the upper directory; the server writes through to it."""
        return read_upper(upper_of(place), lowers, FUSE, prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the upper directory's `.git/`, then the layer's."""
        return layered.git_dirs(place, lowers)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command as it is."""
        del place
        return list(command)

    def occupants(self, place: Place) -> list[Occupant]:
        """List who sits in the tree or keeps its mount."""
        return survivors.occupants(place)

    def _mounted(self, place: Place) -> bool:
        mount = mounts.mount_at(place.tree)
        return mount is not None and mount.kind in _KINDS

    def _awake(self, place: Place) -> bool:
        """Tell whether the tree can be looked into without hanging."""
        if not self._mounted(place) or _is_free(place):
            return False
        server = daemons.find(_PROGRAM, place.tree)
        return bool(server) and not processes_seen.frozen(server)

    def _show(self, place: Place, lowers: Sequence[str]) -> None:
        if self.presented(place):
            return
        layered.check_layer(place, lowers)
        if self._mounted(place):
            self._clear(place)
        layered.make_folders(place)
        layered.refuse_hidden_files(place)
        if not self._attempt(place, lowers):
            # Whoever still sees the old mount keeps its server, and the server the lock.
            survivors.wait_or_refuse(place, lambda: self._attempt(place, lowers))
        if not waiting.until(lambda: self.presented(place), 5):
            raise FailedError(
                "mount_unproved",
                f"The tree of {place.workspace_id} was mounted but does not show its layer.",
                why=f"{place.tree}/{layered.MARKER} does not say {place.layer}.",
                cure="Run 'carrel reconcile'; it looks at the layer and mounts again.",
            )

    def _clear(self, place: Place) -> None:
        """Unmount what a killed server left; refuse if it is only stopped."""
        if not _is_free(place):
            server = daemons.find(_PROGRAM, place.tree)
            if server and processes_seen.frozen(server):
                command = processes_seen.command_of(server)
                raise in_use(place, [Seen(server, command, "serves it and is stopped")])
        _unmount(place)
        faults.point("driver.cleared")

    def _attempt(self, place: Place, lowers: Sequence[str]) -> bool:
        """Start the server with the lock on the upper directory; False if it is taken."""
        lock = locks.try_acquire(upper_of(place))
        if lock is None:
            return False
        try:
            self._serve(place, lowers, lock)
        except BaseException:
            locks.release(lock)
            raise
        faults.point("driver.mounted")
        locks.entrust(lock)
        return True

    def _serve(self, place: Place, lowers: Sequence[str], lock: int) -> None:
        # Handed over as descriptors, no path can be taken for an option. It resolves them,
        # though, and splits what it gets at colons.
        if any(":" in os.path.realpath(one) for one in (*lowers, place.home)):
            raise FailedError(
                "mount_failed",
                f"{_PROGRAM} can't serve the tree of {place.workspace_id}.",
                why=f"It takes no path with a colon in it, such as {place.home}.",
                cure="Put CARREL_HOME and the workspaces where no folder has a colon.",
            )
        opened: list[int] = []
        try:
            opened.extend(
                os.open(folder, _FOLDER) for folder in (*lowers, upper_of(place), work_of(place))
            )
            *below, upper, work = (f"/proc/self/fd/{handle}" for handle in opened)
            # Written through: what changed is read from the upper directory itself.
            options = f"lowerdir={':'.join(below)},upperdir={upper},workdir={work},writeback=0"
            command = [_PROGRAM, "-o", options, place.tree]
            daemons.start(command, inherit=[lock, *opened])
        finally:
            for handle in opened:
                os.close(handle)

    def _refuses_second(self, place: Place, lowers: Sequence[str]) -> bool:
        del lowers
        return not _is_free(place)


def _is_free(place: Place) -> bool:
    """Tell whether no server has the upper directory."""
    lock = locks.try_acquire(upper_of(place))
    if lock is not None:
        locks.release(lock)
    return lock is not None


def _unmount(place: Place) -> None:
    """Detach, as root by system call, else by the helper that may do it."""
    with suppress(OSError):
        survivors.note_device(place, mounts.device_at(place.tree))
    try:
        mounts.detach(place.tree)
    except OSError as error:
        if error.errno == errno.EINVAL:  # somebody was faster
            return
        if not any(_ran(program, place.tree) for program in _UNMOUNTERS):
            raise RefusedError(
                "unmount_failed",
                f"The tree of {place.workspace_id} can't be unmounted.",
                why=f"The kernel says: {error.strerror}.",
                cure="Install fusermount3 (Debian: apt-get install fuse3), then try again.",
            ) from error


def _ran(program: str, tree: str) -> bool:
    try:
        return run([program, "-u", "-z", "--", tree]).code == 0
    except FailedError:
        return False


DRIVER = FuseOverlayDriver()
