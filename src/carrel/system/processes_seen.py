"""Who sits in a folder or still sees a mount, read from /proc.

Processes come and go while we look, and other users' can't be looked into; both are passed
over. Only links' texts and plain tables are read, never anything through `/proc/<pid>/root`.
"""

import ctypes
import os
import struct
from collections.abc import Callable, Iterable, Iterator

from carrel.domain.records import dataclass
from carrel.system import mounts
from carrel.system.mounts import Mount

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_AT_STATX_DONT_SYNC = 0x4000
_STATX_BASIC = 0x7FF
_STOPPED = b"Tt"


@dataclass(frozen=True, slots=True)
class Seen:
    """A process and what ties it to the place that was asked about."""

    pid: int
    command: str
    how: str


def pids() -> Iterator[int]:
    """List the processes that exist now, except this one."""
    own = os.getpid()
    return (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own)


def command_of(pid: int) -> str:
    """Return a process's command line, cut to a readable length; empty when it is gone."""
    line = _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").strip()
    if not line:
        line = _read(f"/proc/{pid}/comm").strip()
    return line[:200].decode(errors="replace")


def arguments_of(pid: int) -> list[bytes]:
    """Return a process's arguments, its program first; empty when it is gone."""
    line = _read(f"/proc/{pid}/cmdline")
    return line.rstrip(b"\0").split(b"\0") if line else []


def environment_of(pid: int) -> bytes:
    """Return a process's environment as it was at its start; empty when it is hidden or gone."""
    return _read(f"/proc/{pid}/environ")


def started(pid: int) -> str:
    """Return when a process started (ticks since boot); empty when it is gone.

    A process id with this value never names another process, until the next boot.
    """
    fields = _stat(pid)
    return fields[19].decode() if len(fields) > 19 else ""  # noqa: PLR2004 - see proc(5)


def frozen(pid: int) -> bool:
    """Tell whether a process is stopped (by SIGSTOP or a debugger)."""
    fields = _stat(pid)
    return bool(fields) and fields[0] in _STOPPED


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in b"ZX"


def namespace(pid: int | str, kind: str = "mnt") -> str:
    """Return the name of a process's namespace, such as `mnt:[4026531841]`; empty if hidden."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return ""


def sitting_in(folder: str, among: Iterable[int] | None = None) -> list[Seen]:
    """List the processes that work in a folder, run from it, or hold files of it open.

    Args:
        folder: Which.
        among: The processes to look at; all when None.
    """
    inside = _Inside(folder)
    found: list[Seen] = []
    for pid in pids() if among is None else among:
        how = inside.reason(pid)
        if how:
            found.append(Seen(pid, command_of(pid), how))
    return found


def seeing(wanted: Callable[[Mount], bool]) -> list[tuple[Seen, Mount]]:
    """List a process of each other mount namespace that has a mount which is `wanted`.

    Every process of such a namespace is listed; the table is read once a namespace.
    """
    own = namespace("self")
    known: dict[str, Mount | None] = {own: None, "": None}
    found: list[tuple[Seen, Mount]] = []
    for pid in pids():
        space = namespace(pid)
        if space not in known:
            known[space] = _first(pid, wanted)
        mount = known[space]
        if mount is not None:
            found.append((Seen(pid, command_of(pid), "still sees the mount"), mount))
    return found


def holding_device(device: int) -> list[Seen]:
    """List the processes with a folder or file of file system `device` (`st_dev`) in use.

    It finds those who stay in a mount that was detached, where paths tell nothing. Whoever
    merely pins it (`O_PATH`), as our own unmounts do for a moment, does not stay.
    """
    found: list[Seen] = []
    for pid in pids():
        links = (f"/proc/{pid}/cwd", f"/proc/{pid}/root", *_descriptors(pid))
        if any(_device(link) == device and not _pinning(link) for link in links):
            found.append(Seen(pid, command_of(pid), "has files of an earlier mount open"))
    return found


class _Inside:
    """The test whether a process has something to do with one folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.below = folder.rstrip("/") + "/"
        self.in_maps = os.fsencode(self.below).replace(b"\n", b"\\012")

    def reason(self, pid: int) -> str:
        try:
            program = os.readlink(f"/proc/{pid}/exe")
        except FileNotFoundError:  # a thread of the kernel, or gone: it has no files
            return ""
        except OSError:
            program = ""
        if self._is_inside(program):
            return "runs from the tree"
        for link, how in (("cwd", "works in the tree"), ("root", "is rooted in the tree")):
            if self._leads_inside(f"/proc/{pid}/{link}"):
                return how
        if any(self._leads_inside(link) for link in _descriptors(pid)):
            return "has files of the tree open"
        if self.in_maps in _read(f"/proc/{pid}/maps"):
            return "has files of the tree mapped"
        return ""

    def _leads_inside(self, link: str) -> bool:
        try:
            return self._is_inside(os.readlink(link))
        except OSError:
            return False

    def _is_inside(self, path: str) -> bool:
        if not path.startswith(self.folder):
            return False
        path = path.removesuffix(" (deleted)")
        return path == self.folder or path.startswith(self.below)


def _first(pid: int, wanted: Callable[[Mount], bool]) -> Mount | None:
    try:
        return next((mount for mount in mounts.mounts(pid) if wanted(mount)), None)
    except OSError:
        return None


def _descriptors(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []


def _pinning(link: str) -> bool:
    """Tell whether a descriptor is only a place in the file tree, opened with `O_PATH`."""
    if "/fd/" not in link:
        return False
    for line in _read(link.replace("/fd/", "/fdinfo/", 1)).splitlines():
        if line.startswith(b"flags:"):
            return bool(int(line[6:], 8) & os.O_PATH)
    return False


def _device(link: str) -> int:
    """Return `st_dev` behind a link of /proc without waking a network file system."""
    answer = ctypes.create_string_buffer(256)
    if _LIBC.statx(_AT_FDCWD, os.fsencode(link), _AT_STATX_DONT_SYNC, _STATX_BASIC, answer):
        return -1
    major, minor = struct.unpack_from("=II", answer, 0x88)
    return os.makedev(major, minor)


def _stat(pid: int) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat from the state on."""
    return _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
