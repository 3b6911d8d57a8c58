"""Keeps a user and mount namespace with one overlay in it; runs as a program of its own.

    holder.py hold TREE OPTIONS MARKER    make a namespace, mount, stay; prints PID NS DEVICE
    holder.py adopt PID TREE MARKER       stay in the namespace of process PID; prints the same
    holder.py detach PID TREE             take the mount away in the namespace of process PID

What fails is printed as `ERROR STEP ERRNO`. The caller's user id stays what it is, inside
too: programs that ask who they are, nested sandboxes and git see nothing unusual, and have
no rights that they did not have outside.

Standard library only, no threads: only a single-threaded process may change its namespace.
"""

import ctypes
import os
import signal
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWUSER = 0x10000000
_NEWNS = 0x00020000
_MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8


class StepError(Exception):
    """A step that failed."""

    def __init__(self, step: str, number: int | None) -> None:
        super().__init__(step)
        self.step, self.number = step, number or 0


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    action, *rest = arguments
    try:
        if action == "hold":
            tree, options, marker = rest
            _new_namespace()
            # The kernel splits this string; here it is only handed through.
            kind = b"overlay"
            result = _LIBC.mount(kind, os.fsencode(tree), kind, 0, os.fsencode(options))
            _checked("mount", result)
            _stay(tree, marker)
        elif action == "adopt":
            pid, tree, marker = rest
            _join(pid)
            _stay(tree, marker)
        elif action == "detach":
            pid, tree = rest
            _join(pid)
            flags = _MNT_DETACH | _UMOUNT_NOFOLLOW
            _checked("umount", _LIBC.umount2(os.fsencode(tree), flags))
    except StepError as error:
        sys.stdout.write(f"ERROR {error.step} {error.number}\n")
        return 1
    return 0


def _new_namespace() -> None:
    user, group = os.geteuid(), os.getegid()
    _checked("unshare", _LIBC.unshare(_NEWUSER | _NEWNS))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        try:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise StepError("map", error.errno) from error


def _join(pid: str) -> None:
    try:
        spaces = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("user", "mnt")]
    except OSError as error:
        raise StepError("find", error.errno) from error
    for space in spaces:
        _checked("join", _LIBC.setns(space, 0))


def _stay(tree: str, marker: str) -> None:
    """Prove that the layer shows, leave a child behind in the namespace, and name it."""
    try:
        os.chdir("/")
        device = os.stat(tree).st_dev
        with open(f"{tree}/{marker}", encoding="utf-8", errors="replace") as file:
            shown = file.read(200).strip()
    except OSError:
        device, shown = 0, "-"
    try:
        child = os.fork()
    except OSError as error:
        raise StepError("fork", error.errno) from error
    if child == 0:
        _wait_for_ever()
    sys.stdout.write(f"{child} {os.readlink('/proc/self/ns/mnt')} {device} {shown or '-'}\n")


def _wait_for_ever() -> None:
    os.setsid()
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.closerange(3, 1 << 16)
    while True:
        signal.pause()


def _checked(step: str, result: int) -> None:
    if result:
        raise StepError(step, ctypes.get_errno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
