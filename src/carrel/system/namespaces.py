"""User and mount namespaces that a holder process keeps (see `carrel.system.holder`)."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.system import holder, processes_seen
from carrel.system.processes import run

_TIMEOUT = 60.0
_CLEAN = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that keeps a namespace.

    Attributes:
        pid: Its number.
        started: When it started; with `pid` it is unique until the next boot.
        space: Name of its mount namespace.
        device: `st_dev` of the overlay mounted in it.
    """

    pid: int
    started: str
    space: str
    device: int

    def alive(self) -> bool:
        """Tell whether it still runs; one that is stopped does."""
        return (
            processes_seen.started(self.pid) == self.started
            and processes_seen.alive(self.pid)
            and processes_seen.namespace(self.pid) == self.space
        )


class StepError(OSError):
    """A step inside the namespace failed; `step` tells which."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.step = step


def hold(tree: str, options: bytes, marker: str) -> tuple[Holder, str]:
    """Mount an overlay at `tree` in a new namespace; return who keeps it and what is shown.

    Raises:
        StepError: `EBUSY` at step `mount` when the upper directory is in use.
    """
    return _stays("hold", tree, os.fsdecode(options), marker)


def adopt(pid: int, tree: str, marker: str) -> tuple[Holder, str]:
    """Keep the namespace that process `pid` is in, now that its own holder is gone."""
    return _stays("adopt", str(pid), tree, marker)


def detach(pid: int, tree: str) -> None:
    """Take the topmost mount at `tree` away in the namespace of process `pid`."""
    _script("detach", str(pid), tree)


def others(kept: Holder) -> list[int]:
    """List who is in the namespace besides its holder."""
    spaces = ((pid, processes_seen.namespace(pid)) for pid in processes_seen.pids())
    return [pid for pid, space in spaces if space == kept.space and pid != kept.pid]


def holds(pid: int, tree: str) -> bool:
    """Tell whether a process was started to hold a namespace for `tree`."""
    words = processes_seen.arguments_of(pid)
    return os.fsencode(holder.__file__) in words and os.fsencode(tree) in words


def end_process(pid: int, tree: str) -> None:
    """Kill a process that holds a namespace for `tree`, and no other."""
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if holds(pid, tree):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def entering(kept: Holder, tree: str, command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` in the namespace, in folder `tree`."""
    return [
        "nsenter",
        f"--user=/proc/{kept.pid}/ns/user",
        f"--mount=/proc/{kept.pid}/ns/mnt",
        "--preserve-credentials",
        "--",
        "env",
        f"--chdir={tree}",
        *command,
    ]


def _stays(*arguments: str) -> tuple[Holder, str]:
    pid, space, device, shown = _script(*arguments).split(" ", 3)
    kept = Holder(int(pid), processes_seen.started(int(pid)), space, int(device))
    return kept, shown.strip()


def _script(*arguments: str) -> str:
    done = run(
        [sys.executable, "-I", "-S", holder.__file__, *arguments],
        env=_CLEAN, cwd="/", timeout=_TIMEOUT,
    )  # fmt: skip
    words = done.out.decode(errors="replace")
    if done.code == 0:
        return words
    parts = words.split()
    if len(parts) == 3 and parts[0] == "ERROR":  # noqa: PLR2004 - ERROR STEP ERRNO
        raise StepError(parts[1], int(parts[2]))
    raise FailedError(
        "holder_failed",
        "The process that keeps a workspace's namespace can't be started.",
        why=done.err.decode(errors="replace").strip()[-300:],
        cure="Run 'carrel doctor'.",
    )
