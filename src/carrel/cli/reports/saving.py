"""Writing a report's file: whole or not at all, and never over what is no report of ours."""

import os
from contextlib import suppress

from carrel.errors import FailedError, RefusedError

MARK = '<meta name="generator" content="Carrel"/>'
"""By this a report of ours is known."""
_LOOK = 2048


def check(path: str) -> None:
    """Make sure that a report may be written to a file, before anything is asked for it.

    Raises:
        RefusedError: `not_a_report`.
        FailedError: `report_unwritable`.
    """
    try:
        strange = os.path.lexists(path) and not _ours(path)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    if strange:
        raise RefusedError(
            "not_a_report",
            f"{path!r} is there, and no report of Carrel's: it is left as it is.",
            cure="Choose another name with --html, or move the file away.",
        )
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise _unwritable(path, "There is no such folder")


def save(path: str, page: str) -> None:
    """Write a page to a file; an older report there is replaced.

    Raises:
        RefusedError: `not_a_report`.
        FailedError: `report_unwritable`.
    """
    check(path)
    try:
        _replace(path, page.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise _unwritable(path, error.strerror) from error


def _unwritable(path: str, why: str | None) -> FailedError:
    return FailedError(
        "report_unwritable",
        f"The report could not be written to {path!r}.",
        why=f"{why or 'It is not possible'}.",
        cure="Choose a folder that exists and that you may write to.",
    )


def _ours(path: str) -> bool:
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    with open(path, "rb") as file:
        start = file.read(_LOOK)
    return not start or MARK.encode() in start


def _replace(path: str, content: bytes) -> None:
    beside = f"{path}.{os.getpid()}.part"
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise
