"""The overlay driver: one mount by system call on a shared layer. For root."""

import errno
import os
from collections.abc import Callable, Sequence

from carrel.backends.local import layered, survivors, traps
from carrel.backends.local.homes import held_home, there
from carrel.backends.local.layered import upper_of, work_of
from carrel.backends.local.upper import KERNEL, read_upper
from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError, RefusedError
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed
from carrel.system import faults, mounts, pins

_OPTIONS = b"redirect_dir=on,metacopy=off,index="
_FRESH = _OPTIONS + b"off"
"""For an upper directory that nobody can have mounted yet; saves half of the time."""
_GUARDED = _OPTIONS + b"on"
"""The kernel refuses an upper directory that is in use anywhere."""


class OverlayDriver:
    """Mounts with the rights of root; every process of the machine sees the tree."""

    name = "overlay"
    capabilities = Capabilities(host_path=True, layered=True, directory_rename=True, mounts=True)

    def probe(self, where: str) -> Probe:
        """Mount a scratch overlay and spring every trap in it."""
        if os.geteuid() != 0:
            return Probe(
                works=False,
                why="Mounting an overlay that everybody sees needs root.",
                cure="Run Carrel as root (or in a container with CAP_SYS_ADMIN).",
            )
        return traps.tried(
            where, lambda folder: traps.overlay(self, folder, refuses_second=self._refuses_second)
        )

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Make the folders and mount; a repetition finishes what was begun."""
        with held_home(place):
            fresh = not os.path.lexists(upper_of(place))
            layered.sow(place, seed)
            if fresh:
                self._mount(place, lowers, _FRESH)
                self._prove(place)
            else:
                self._show(place, lowers)

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Mount unless it is mounted; never a second time anywhere."""
        with held_home(place):
            self._show(place, lowers)

    def presented(self, place: Place) -> bool:
        """Tell whether our upper directory is mounted at the tree, with its layer."""
        return self._mounted(place) and layered.shows_layer(place)

    def withdraw(self, place: Place) -> None:
        """Detach the mount; those who sit inside keep theirs until they leave."""
        if not there(place):
            return
        with held_home(place):
            if self._mounted(place):
                survivors.note_device(place, os.stat(place.tree).st_dev)
                faults.point("driver.noted")
                pins.unpinned_after(place.tree, lambda: mounts.detach(place.tree))

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Read the upper directory."""
        return read_upper(upper_of(place), lowers, KERNEL, prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the upper directory's `.git/`, then the layer's."""
        return layered.git_dirs(place, lowers)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command as it is: the tree is visible to everybody."""
        del place
        return list(command)

    def occupants(self, place: Place) -> list[Occupant]:
        """List who sits in the tree or keeps the mount."""

        def idle() -> bool:
            with held_home(place):  # see `mounts.idle`: one may ask at a time
                return mounts.idle(place.tree)

        return survivors.occupants(place, idle=idle)

    def _mounted(self, place: Place) -> bool:
        mount = mounts.mount_at(place.tree)
        return mount is not None and _shows(mount, place)

    def _show(self, place: Place, lowers: Sequence[str]) -> None:
        mount = mounts.mount_at(place.tree)
        if mount is not None:
            if not _shows(mount, place):
                raise _foreign(place, mount)
        else:
            layered.check_layer(place, lowers)
            layered.make_folders(place)
            layered.refuse_hidden_files(place)
            if not self._attempt(place, lowers):
                survivors.wait_or_refuse(place, lambda: self._attempt(place, lowers))
        self._prove(place)

    def _attempt(self, place: Place, lowers: Sequence[str]) -> bool:
        """Mount with the kernel's guard; False when the upper directory is in use."""
        try:
            self._mount(place, lowers, _GUARDED)
        except FailedError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in (errno.EBUSY, errno.ESTALE):
                raise
            if cause.errno == errno.EBUSY:
                return False
            # The home was copied from elsewhere, so that what the guard wrote down for this
            # layer is stale. It is asked after the question whether somebody uses the upper.
            self._mount(place, lowers, _FRESH)
        return True

    def _mount(self, place: Place, lowers: Sequence[str], extra: bytes) -> None:
        try:
            options = mounts.overlay_options(lowers, upper_of(place), work_of(place), extra)
            mounts.mount_overlay(place.tree, options)
        except OSError as error:
            layered.check_layer(place, lowers)
            raise mount_failed(place, error) from error
        faults.point("driver.mounted")

    def _refuses_second(self, place: Place, lowers: Sequence[str]) -> bool:
        options = mounts.overlay_options(lowers, upper_of(place), work_of(place), _GUARDED)
        other = f"{place.home}/other"
        os.mkdir(other)
        try:
            mounts.mount_overlay(other, options)
        except OSError as error:
            return error.errno == errno.EBUSY
        mounts.detach(other)
        return False

    def _prove(self, place: Place) -> None:
        if not self.presented(place):
            raise FailedError(
                "mount_unproved",
                f"The tree of {place.workspace_id} was mounted but does not show its layer.",
                why=f"{place.tree}/{layered.MARKER} does not say {place.layer}.",
                cure="Run 'carrel reconcile'; it looks at the layer and mounts again.",
            )


def mount_failed(place: Place, error: OSError) -> FailedError:
    """Say why the kernel refused a mount."""
    cures = {
        errno.EPERM: "Run Carrel as root, or choose another driver ('carrel doctor').",
        errno.ENODEV: "Load the kernel module 'overlay', or choose another driver.",
        errno.EINVAL: "The file system may not be able to hold an upper directory; put the "
        "workspaces on ext4, xfs or btrfs, or choose another driver.",
        errno.ENAMETOOLONG: "Choose a shorter CARREL_HOME and workspace root.",
        errno.ENOSPC: "There are too many mounts; unmount what is not needed.",
    }
    return FailedError(
        "mount_failed",
        f"The tree of {place.workspace_id} can't be mounted at {place.tree}.",
        why=f"The kernel says: {error.strerror}.",
        cure=cures.get(error.errno or 0, "Run 'carrel doctor'; it tries each driver."),
    )


def _shows(mount: mounts.Mount, place: Place) -> bool:
    return mount.kind == b"overlay" and mount.upper == os.fsencode(upper_of(place))


def _foreign(place: Place, mount: mounts.Mount) -> RefusedError:
    return RefusedError(
        "tree_occupied",
        f"Something else is mounted at {place.tree}.",
        why=f"It is of the type {mount.kind.decode(errors='replace')} and not ours.",
        cure="Unmount it, then try again.",
    )


DRIVER = OverlayDriver()
