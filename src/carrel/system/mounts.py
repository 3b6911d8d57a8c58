"""Mounts of this machine: made and hidden by system call, and proved to be there.

No process is started. What is mounted where is asked of `statmount(2)` where the kernel has
it (a few microseconds, however many mounts there are), else read from mountinfo.
"""

import ctypes
import errno
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import field

from carrel.domain.records import dataclass

_LIBC = ctypes.CDLL(None, use_errno=True)

_MNT_DETACH = 2
_MNT_EXPIRE = 4
_UMOUNT_NOFOLLOW = 8
_PAGE = 4096
_OCTAL = re.compile(rb"\\([0-7]{3})")

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_STATX_DONT_SYNC = 0x4000
_STATX_MNT_ID_UNIQUE = 0x4000
_STATMOUNT = 457  # the same number on every architecture
_STATMOUNT_MASK = 0x10 | 0x20 | 0x80  # mount point, type, options
_STATMOUNT_HEAD = 512
_STATMOUNT_ROOM = 1 << 15  # two options of a page each, escaped, fit


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount as the kernel tells it.

    Attributes:
        point: Where it is mounted, as the asking namespace sees it.
        kind: Type, such as `overlay` or `fuse.fuse-overlayfs`.
        options: Options of the file system by name; flags have an empty value.
        mount_id: Number in mountinfo; 0 when asked by `statmount`.
        device: `major:minor` of its file system; empty when asked by `statmount`.
        peers: Propagation groups it belongs to or receives from.
    """

    point: bytes
    kind: bytes
    options: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    mount_id: int = 0
    device: bytes = b""
    peers: frozenset[bytes] = frozenset()

    @property
    def upper(self) -> bytes:
        """Upper directory of an overlay, empty for anything else."""
        return plain_path(self.options.get(b"upperdir", b""))


def option_path(path: str, *, lower: bool = False) -> bytes:
    r"""Return a path as it can stand in overlay's options: `\`, `,` and `:` are escaped."""
    escaped = os.fsencode(path).replace(b"\\", b"\\\\").replace(b",", b"\\,")
    return escaped.replace(b":", b"\\:") if lower else escaped


def plain_path(option: bytes) -> bytes:
    r"""Undo `option_path`."""
    return re.sub(rb"\\(.)", rb"\1", option, flags=re.DOTALL)


def overlay_options(lowers: Sequence[str], upper: str, work: str, extra: bytes) -> bytes:
    """Write the option string of an overlay mount.

    Raises:
        OSError: `ENAMETOOLONG`; the kernel takes at most one page.
    """
    data = b"lowerdir=%s,upperdir=%s,workdir=%s,%s" % (
        b":".join(option_path(lower, lower=True) for lower in lowers),
        option_path(upper),
        option_path(work),
        extra,
    )
    if len(data) >= _PAGE:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), upper)
    return data


def mount_overlay(tree: str, options: bytes) -> None:
    """Mount an overlay at `tree`.

    Raises:
        OSError: What the kernel answered; `EBUSY` when the upper directory is in use and
            `options` has `index=on`.
    """
    _checked(_LIBC.mount(b"overlay", os.fsencode(tree), b"overlay", 0, options), tree)


def detach(tree: str) -> None:
    """Take the topmost mount away from `tree` at once; its users keep it until they leave.

    Raises:
        OSError: `EINVAL` when nothing is mounted there, `EPERM` without the right.
    """
    _checked(_LIBC.umount2(os.fsencode(tree), _MNT_DETACH | _UMOUNT_NOFOLLOW), tree)


def idle(tree: str) -> bool:
    """Tell whether nobody in our namespace has anything of the mount at `tree` in use.

    The kernel counts every working folder, root, descriptor and mapping. It is asked by
    `MNT_EXPIRE`, which unmounts an idle mount only at the second of two calls without a look
    at the mount in between; so a look comes before the call and after. The caller keeps
    others from asking at the same moment. False where the kernel does not answer.
    """
    try:
        os.stat(f"{tree}/.")
        _checked(_LIBC.umount2(os.fsencode(tree), _MNT_EXPIRE | _UMOUNT_NOFOLLOW), tree)
    except OSError as error:
        if error.errno != errno.EAGAIN:
            return False
        os.stat(f"{tree}/.")
        return True
    return False


def mount_at(path: str) -> Mount | None:
    """Return the mount whose root is at `path` (the topmost one), or None."""
    found = _ask_kernel(path)
    if found is None:
        found = _ask_mountinfo(path)
    return found if found is not None and found.point == os.fsencode(path) else None


def device_at(path: str) -> int:
    """Return `st_dev` of what is mounted at `path` without asking whoever serves it."""
    answer = ctypes.create_string_buffer(256)
    flags = _AT_SYMLINK_NOFOLLOW | _AT_STATX_DONT_SYNC
    _checked(_LIBC.statx(_AT_FDCWD, os.fsencode(path), flags, 0, answer), path)
    return os.makedev(*struct.unpack_from("=II", answer, 0x88))


def mounts(pid: int | None = None) -> Iterator[Mount]:
    """List the mounts in the namespace of a process (None: ours).

    Raises:
        OSError: The process is gone or hides it.
    """
    return parse_mountinfo(read_mountinfo(pid))


def read_mountinfo(pid: int | None = None) -> bytes:
    """Return mountinfo of a process (None: ours) in one piece."""
    chunks: list[bytes] = []
    handle = os.open(f"/proc/{pid or 'self'}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(handle, 1 << 18):
            chunks.append(chunk)
    finally:
        os.close(handle)
    return b"".join(chunks)


def parse_mountinfo(data: bytes) -> Iterator[Mount]:
    """Read the format of /proc/self/mountinfo, see proc(5)."""
    for line in data.split(b"\n"):
        head, dash, tail = line.partition(b" - ")
        if not dash:
            continue
        before, after = head.split(b" "), tail.split(b" ")
        yield Mount(
            point=unescaped(before[4]),
            kind=after[0],
            options=_options(after[2] if len(after) > 2 else b""),  # noqa: PLR2004
            mount_id=int(before[0]),
            device=before[2],
            peers=frozenset(
                tag.partition(b":")[2]
                for tag in before[6:]
                if tag.startswith((b"shared:", b"master:"))
            ),
        )


def unescaped(text: bytes) -> bytes:
    """Turn the kernel's octal escapes back into bytes."""
    if b"\\" not in text:
        return text
    return _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), text)


def _options(text: bytes) -> dict[bytes, bytes]:
    pairs = (one.partition(b"=") for one in text.split(b","))
    return {name: unescaped(value) for name, _, value in pairs}


def _ask_kernel(path: str) -> Mount | None:
    """Ask `statmount(2)`; None when the kernel is older than 6.11 or forbids it."""
    if not hasattr(_LIBC, "statx"):
        return None
    answer = ctypes.create_string_buffer(256)
    flags = _AT_SYMLINK_NOFOLLOW | _AT_STATX_DONT_SYNC
    if _LIBC.statx(_AT_FDCWD, os.fsencode(path), flags, _STATX_MNT_ID_UNIQUE, answer):
        return None
    if not struct.unpack_from("=I", answer)[0] & _STATX_MNT_ID_UNIQUE:
        return None
    unique = struct.unpack_from("=Q", answer, 0x90)[0]
    request = struct.pack("=IIQQ", 24, 0, unique, _STATMOUNT_MASK)
    room = ctypes.create_string_buffer(_STATMOUNT_ROOM)
    if _LIBC.syscall(_STATMOUNT, request, room, _STATMOUNT_ROOM, 0):
        return None
    if struct.unpack_from("=Q", room, 8)[0] & _STATMOUNT_MASK != _STATMOUNT_MASK:
        return None
    strings = room.raw[_STATMOUNT_HEAD:]

    def text(at: int) -> bytes:
        start = struct.unpack_from("=I", room, at)[0]
        return strings[start : strings.index(b"\0", start)]

    # Unlike in mountinfo, the mount point is plain here; the options are not.
    return Mount(point=text(108), kind=text(36), options=_options(text(4)))


def _ask_mountinfo(path: str) -> Mount | None:
    try:
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as file:
            numbers = re.search(rb"^mnt_id:\s*(\d+)", file.read(), re.MULTILINE)
    finally:
        os.close(handle)
    wanted = int(numbers[1]) if numbers else -1
    return next((one for one in mounts() if one.mount_id == wanted), None)


def _checked(result: int, path: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
