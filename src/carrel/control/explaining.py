"""What the machine refuses (a full disk, a missing right) told like any other failure.

Every use-case is one block of `explained`, so no error number of the system reaches a caller.
Other errors of the system are mistakes of ours and stay what they are.
"""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager

from carrel.errors import CarrelError, FailedError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_BROKEN = frozenset({errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENODEV})
_KNOWN = _FULL | _FORBIDDEN | _BROKEN
_WORDS = {os.strerror(number): number for number in sorted(_KNOWN)}
"""What git says when the system refuses it something."""
_LOCKED = f".lock': {os.strerror(errno.EEXIST)}"


@contextmanager
def explained() -> Generator[None]:
    """Turn what the machine refuses in a block (or a decorated function) into our errors.

    Raises:
        FailedError: `disk_full`, `not_permitted`, `system_failed` or `repository_locked`.
    """
    try:
        yield
    except OSError as error:
        told = _told(error.errno or 0, error)
        if told is None:
            raise
        raise told from error
    except FailedError as error:
        told = _of_git(error)
        if told is None:
            raise
        raise told from error


def _of_git(error: FailedError) -> CarrelError | None:
    if error.code != "git_failed":
        return None
    if _LOCKED in error.why:
        return FailedError(
            "repository_locked",
            "Another git command keeps a part of the repository locked, or was killed.",
            why=_why(error),
            cure="Let it finish. If none is running, delete the lock file that is named ('carrel "
            "reconcile' does so in Carrel's own stores), then do it again.",
        )
    numbers = [number for words, number in _WORDS.items() if words in error.why]
    return _told(numbers[0], error) if numbers else None


def _told(number: int, error: Exception) -> CarrelError | None:
    why = _why(error)
    if number in _FULL:
        return FailedError(
            "disk_full",
            "There is no space left on the disk.",
            why=why,
            cure="Free some ('carrel gc' tells what Carrel can spare), then do it again; "
            "nothing is lost.",
        )
    if number in _FORBIDDEN:
        return FailedError(
            "not_permitted",
            "The system did not let Carrel read or write something.",
            why=why,
            cure="Look at its owner and permissions, and whether its disk is mounted "
            "read-only; then do it again, nothing is lost.",
        )
    if number in _BROKEN:
        return FailedError(
            "system_failed",
            "The system could not do what Carrel asked of it.",
            why=why,
            cure="Look at the disk, at the memory and at 'dmesg', then do it again.",
        )
    return None


def _why(error: Exception) -> str:
    if isinstance(error, CarrelError):
        return f"{error.what} {error.why}"
    if not isinstance(error, OSError):
        return ""
    given: list[object] = [error.filename, error.filename2]  # a descriptor says nothing
    names = [os.fsdecode(name) for name in given if isinstance(name, str | bytes)]
    where = f" ({' -> '.join(names)})" if names else ""
    return f"{error.strerror}{where}."
