"""Files of configuration that would hold git up, found before git reads them.

Git reads the `config` of a repository at every call, and what it includes, whatever that is: a
pipe that somebody put there makes each call wait until it is killed.
"""

import os
import stat

from carrel.errors import RefusedError
from carrel.git.gateway import Git

_MOST_BYTES = 1 << 20
_MOST_FILES = 200
_INCLUDES = r"^include(if\..*)?\.path$"
_HOME = "/nonexistent"  # git of ours sees no other


def refuse_waiting(common: str) -> None:
    """Refuse a repository whose configuration leads git to a pipe or a device.

    Links are followed, since git follows them; nothing but regular files is opened.

    Args:
        common: Git directory whose `config` is read.

    Raises:
        RefusedError: `repository_unsafe`, naming the file.
    """
    todo = [f"{common}/config", f"{common}/config.worktree"]
    seen: set[str] = set()
    while todo:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        if len(seen) > _MOST_FILES:
            raise _unsafe(f"{common}/config", "It includes too many files to look at.")
        todo += _included(place)


def _included(place: str) -> list[str]:
    """Return the files that a file of configuration includes, under whatever condition."""
    words = _words(place)
    if b"include" not in words.lower():
        return []
    # Git itself takes the text apart, from its standard input, and follows nothing.
    asked = ("config", "--file=-", "--no-includes", "-z", "--get-regexp", _INCLUDES)
    told = Git(os.devnull, timeout=30.0).run(*asked, stdin=words, ok=tuple(range(256))).out
    values = (item.partition(b"\n")[2] for item in told.split(b"\0"))
    return [_place(os.fsdecode(value), os.path.dirname(place)) for value in values if value]


def _words(place: str) -> bytes:
    """Return what git would read of a file; empty when there is none.

    Raises:
        RefusedError: `repository_unsafe` when git would wait there.
    """
    try:
        mode = os.stat(place).st_mode
        if os.path.realpath(place) == os.devnull:
            return b""
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise _unsafe(place, "It is no regular file, and git would wait for it for ever.")
        if not stat.S_ISREG(mode):
            return b""  # a folder or a socket can't be opened, and git says so at once
        # It may have become a pipe since: never wait for it.
        handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    with open(handle, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise _unsafe(place, "It is too large to look for what it includes.")
    return data


def _place(value: str, folder: str) -> str:
    """Return the file that the value of `include.path` names."""
    if value == "~" or value.startswith("~/"):
        return _HOME + value[1:]
    named = os.path.expanduser(value) if value.startswith("~") else value
    return os.path.join(folder, named)


def _unsafe(place: str, why: str) -> RefusedError:
    return RefusedError(
        "repository_unsafe",
        f"{place} belongs to the configuration of a repository, and can't be read safely.",
        why=why,
        cure="Look at who put it there, remove it, or take it out of the configuration "
        "('git config --unset-all include.path'), then try again.",
    )
