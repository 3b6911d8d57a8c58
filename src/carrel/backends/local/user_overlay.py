"""The overlay driver for ordinary users: mounts in a user namespace that a holder keeps.

Nobody outside the namespace sees the tree, so it has no path on the host; what works in it
enters. A workspace that nobody works in is not mounted and costs no process.
"""

import errno
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from carrel.backends.local import layered, survivors, traps
from carrel.backends.local.homes import held_home, there
from carrel.backends.local.layered import upper_of, work_of
from carrel.backends.local.overlay import mount_failed
from carrel.backends.local.upper import USER, read_upper
from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError
from carrel.ports.driver import Capabilities, Occupant, Probe, Seed
from carrel.system import faults, mounts, namespaces, processes_seen
from carrel.system.namespaces import Holder, StepError

_OPTIONS = b"userxattr,metacopy=off,index=on"
"""With `index=on` the kernel refuses an upper directory that is in use, in any namespace."""


class UserOverlayDriver:
    """Mounts without any right, for those who enter."""

    name = "user_overlay"
    capabilities = Capabilities(host_path=False, layered=True, directory_rename=False, mounts=True)

    def probe(self, where: str) -> Probe:
        """Mount a scratch overlay in a namespace and spring every trap in it."""
        return traps.tried(
            where,
            lambda folder: traps.overlay(self, folder, refuses_second=self._refuses_second),
        )

    def create(self, place: Place, lowers: Sequence[str], seed: Seed) -> None:
        """Make the folders; `present` mounts when somebody comes to work."""
        with held_home(place):
            layered.check_layer(place, lowers)
            layered.sow(place, seed)

    def present(self, place: Place, lowers: Sequence[str]) -> None:
        """Mount in a namespace unless one has it; a namespace without its holder is adopted."""
        with held_home(place):
            if self._kept(place) is not None or self._adopted(place):
                return
            layered.check_layer(place, lowers)
            layered.make_folders(place)
            layered.refuse_hidden_files(place)
            if not self._attempt(place, lowers):
                # It may be a holder that was being started when its maker was killed.
                survivors.wait_or_refuse(
                    place, lambda: self._adopted(place) or self._attempt(place, lowers)
                )

    def presented(self, place: Place) -> bool:
        """Tell whether a holder lives and has our upper directory mounted at the tree.

        The layer's marker was read inside when it was mounted.
        """
        return self._kept(place) is not None

    def withdraw(self, place: Place) -> None:
        """Detach the mount in its namespace and let the holder go."""
        if not there(place):
            return
        with held_home(place):
            kept = self._kept(place)
            if kept is None and self._adopted(place):
                kept = self._kept(place)
            if kept is None:
                return
            others = namespaces.others(kept)
            spare = [pid for pid in others if namespaces.holds(pid, place.tree)]
            if len(spare) < len(others):
                self._detach(place, kept)
                faults.point("driver.detached")
            for pid in (*spare, kept.pid):
                namespaces.end_process(pid, place.tree)
            os.unlink(_note(place))

    def delta(self, place: Place, lowers: Sequence[str], prune: Callable[[bytes], bool]) -> Folder:
        """Read the upper directory; nobody needs to enter for that."""
        return read_upper(upper_of(place), lowers, USER, prune)

    def git_dirs(self, place: Place, lowers: Sequence[str]) -> tuple[str, ...]:
        """Return the upper directory's `.git/`, then the layer's."""
        return layered.git_dirs(place, lowers)

    def enter(self, place: Place, command: Sequence[str]) -> list[str]:
        """Return the command line that enters the namespace and works in the tree.

        Raises:
            FailedError: `not_presented`.
        """
        kept = self._kept(place)
        if kept is None and self._adopted(place):
            kept = self._kept(place)
        if kept is None:
            raise FailedError(
                "not_presented",
                f"The tree of {place.workspace_id} is not mounted.",
                cure="Run 'carrel reconcile', or any command that works in it; it is then mounted.",
            )
        return namespaces.entering(kept, place.tree, command)

    def occupants(self, place: Place) -> list[Occupant]:
        """List who is in the namespace, except its holder."""
        kept = _read_note(place)
        keeper = kept.pid if kept is not None and kept.alive() else 0
        # Whoever is in the namespace was brought into this very workspace.
        seen = survivors.occupants(place)
        return [replace(one, sits=True) for one in seen if one.pid != keeper]

    def _kept(self, place: Place) -> Holder | None:
        """Return the holder if it lives and its mount table shows our mount."""
        kept = _read_note(place)
        if kept is None or not kept.alive():
            return None
        try:
            table = list(mounts.mounts(kept.pid))
        except OSError:
            return None
        there = [mount for mount in table if mount.point == os.fsencode(place.tree)]
        shows = bool(there) and there[-1].upper == os.fsencode(upper_of(place))
        return kept if shows else None

    def _adopted(self, place: Place) -> bool:
        """Keep a namespace whose holder was killed, or whose maker was before it took note.

        A sandbox that somebody made inside the namespace is no place for everybody: only the
        namespace of the last holder counts, or one that a holder of ours is in.
        """
        lost = _read_note(place)
        known = {lost.space} if lost is not None else set[str]()
        seen = [
            one.pid
            for one, mount in processes_seen.seeing(survivors.is_ours(place))
            if mount.point == os.fsencode(place.tree)
        ]
        holders = [pid for pid in seen if namespaces.holds(pid, place.tree)]
        known.update(processes_seen.namespace(pid) for pid in holders)
        for pid in seen:
            if processes_seen.namespace(pid) in known and self._adopt(place, pid):
                for spare in holders:
                    namespaces.end_process(spare, place.tree)
                return True
        return False

    def _adopt(self, place: Place, pid: int) -> bool:
        try:
            kept, _ = namespaces.adopt(pid, place.tree, layered.MARKER)
        except StepError:
            return False
        _write_note(place, kept)
        return True

    def _detach(self, place: Place, kept: Holder) -> None:
        """Hide the mount from others in the namespace, who outlive the holder."""
        try:
            namespaces.detach(kept.pid, place.tree)
        except StepError as error:
            if error.step != "umount" or error.errno != errno.EINVAL:
                raise _failed(place, error) from error

    def _attempt(self, place: Place, lowers: Sequence[str]) -> bool:
        try:
            kept = self._hold(place, lowers, place.tree)
        except StepError as error:
            if error.step == "mount" and error.errno == errno.EBUSY:
                return False
            raise _failed(place, error) from error
        faults.point("driver.mounted")
        _write_note(place, kept)
        return True

    def _hold(self, place: Place, lowers: Sequence[str], tree: str) -> Holder:
        options = mounts.overlay_options(lowers, upper_of(place), work_of(place), _OPTIONS)
        kept, shown = namespaces.hold(tree, options, layered.MARKER)
        if shown != place.layer and not layered.hides_marker(place):
            namespaces.end_process(kept.pid, tree)
            raise FailedError(
                "mount_unproved",
                f"The tree of {place.workspace_id} was mounted but does not show its layer.",
                why=f"{layered.MARKER} says {shown!r} instead of {place.layer}.",
                cure="Run 'carrel reconcile'; it looks at the layer and mounts again.",
            )
        return kept

    def _refuses_second(self, place: Place, lowers: Sequence[str]) -> bool:
        other = f"{place.home}/other"
        os.mkdir(other)
        try:
            namespaces.end_process(self._hold(place, lowers, other).pid, other)
        except StepError as error:
            return error.errno == errno.EBUSY
        return False


def _note(place: Place) -> str:
    return f"{place.home}/holder"


def _read_note(place: Place) -> Holder | None:
    try:
        with open(_note(place), encoding="utf-8") as file:
            return Holder(**json.load(file))
    except (OSError, ValueError, TypeError):
        return None


def _write_note(place: Place, kept: Holder) -> None:
    survivors.note_device(place, kept.device)
    temporary = f"{_note(place)}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(asdict(kept), file)
    os.rename(temporary, _note(place))
    faults.point("driver.held")


def _failed(place: Place, error: StepError) -> FailedError:
    if error.step in {"unshare", "map"} or error.errno in (errno.EPERM, errno.EACCES):
        return FailedError(
            "namespace_refused",
            "This machine does not let you make a user namespace with a mount in it.",
            why=f"The kernel says '{error.strerror}' at the step '{error.step}'.",
            cure=_cure(),
        )
    return mount_failed(place, error)


def _cure() -> str:
    for path, forbidding, cure in (
        ("/proc/sys/user/max_user_namespaces", "0", "Set user.max_user_namespaces to 10000."),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "Set kernel.unprivileged_userns_clone=1 with sysctl.",
        ),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "Set kernel.apparmor_restrict_unprivileged_userns=0 with sysctl.",
        ),
    ):
        try:
            with open(path, encoding="ascii") as file:
                if file.read().strip() == forbidding:
                    return cure
        except OSError:
            continue
    return (
        "In a container, start it with '--security-opt seccomp=unconfined' or '--privileged'; "
        "else run Carrel as root or choose another driver."
    )


DRIVER = UserOverlayDriver()
