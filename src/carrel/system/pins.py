"""Unmounts without waiting for the disk.

The kernel syncs the whole file system when the last user of an overlay leaves: up to half a
second. A descriptor that was opened before the unmount keeps the overlay alive for a moment
and is closed where nobody waits: in a thread, or, when this process ends first, in a small
process of its own.
"""

import atexit
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_lock = threading.Lock()
_pins: dict[int, str] = {}
_closers: list[threading.Thread] = []
_DELAY = 0.2
"""Seconds before the thread begins; a command line has ended by then and hands over."""


def unpinned_after(tree: str, unmount: Callable[[], None]) -> None:
    """Run `unmount` while a descriptor of `tree` is held, and let that go in the background."""
    handle = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        unmount()
    except BaseException:
        os.close(handle)
        raise
    with _lock:
        _pins[handle] = tree
        if not _closers:
            _closers.append(threading.Thread(target=_close_later, daemon=True))
            _closers[0].start()


def let_go(tree: str | None = None) -> None:
    """Close what is held of `tree` (None: of everything) now, however long that takes."""
    with _lock:
        chosen = [handle for handle, of in _pins.items() if tree in (None, of)]
        for handle in chosen:
            del _pins[handle]
    for handle in chosen:
        os.close(handle)


def _close_later() -> None:
    while True:
        time.sleep(_DELAY)
        with _lock:
            if not _pins:
                _closers.clear()
                return
            handle = next(iter(_pins))
            del _pins[handle]
        os.close(handle)


def _hand_over() -> None:
    """Give what is still held to a process that closes it when we are gone."""
    with _lock:
        handles = tuple(_pins)
        _pins.clear()
    if not handles:
        return
    reading, writing = os.pipe()
    with suppress(OSError):
        # It reads until the pipe closes with us, so that its end is the last close, not ours.
        subprocess.Popen(
            ["cat"],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=handles,
            cwd="/",
            start_new_session=True,
        ).returncode = 0  # never waited for
    for handle in (*handles, reading, writing):
        os.close(handle)


def _forget() -> None:
    for handle in _pins:
        os.close(handle)
    _pins.clear()
    _closers.clear()


atexit.register(_hand_over)
os.register_at_fork(after_in_child=_forget)
