"""Which names git refuses in a tree, checked before git could: `verify_path` of its own source.

A tree that holds such a name can write into a git directory when somebody checks it out, on
this file system or on one that folds case, short names (NTFS) or invisible characters (HFS+).
"""

import re

_NTFS_GIT = re.compile(rb"(?:\.git|git~1)[. ]*(?:[:\\].*)?", re.IGNORECASE | re.DOTALL)
# NTFS makes short names of eight characters: six letters and ~1 to ~4, or later letters of a
# hash of the name, with ever more digits after the tilde.
_HASHED = b"|".join(
    re.escape(b"gi7eba"[:letters]) + b"~[1-9][0-9]{%d}" % (6 - letters) for letters in range(7)
)
_NTFS_MODULES = re.compile(
    rb"(?:\.gitmodules|gitmod~[1-4]|" + _HASHED + rb")[. ]*(?::.*)?", re.IGNORECASE | re.DOTALL
)
_MALFORMED = re.compile("[\udc80-\udcff\ufffe\uffff]")
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def refused_name(name: bytes, *, link: bool = False) -> str | None:
    """Return why git can't take `name` as one component of a path, or None when it can.

    Args:
        name: One component, as bytes.
        link: True when a symbolic link stands there.
    """
    if not name or name in {b".", b".."} or b"/" in name or b"\0" in name:
        return "it can't be a name in a git tree"
    if _stands_for(name, _NTFS_GIT, b".git"):
        return "git refuses names that could be taken for its own folder '.git'"
    if link and _stands_for(name, _NTFS_MODULES, b".gitmodules"):
        return "git refuses a '.gitmodules' that is a symbolic link"
    return None


def _stands_for(name: bytes, short: re.Pattern[bytes], plain: bytes) -> bool:
    if not name.isascii() and _visible(name) == plain:
        return True
    if b"\\" not in name:
        return short.fullmatch(name) is not None
    # On NTFS a backslash separates folders, so a name may begin after each.
    starts = [0, *(found.end() for found in re.finditer(rb"\\", name))]
    return any(short.fullmatch(name, start) for start in starts)


def _visible(name: bytes) -> bytes:
    """Return the name as HFS+ compares it: without invisible characters, in lower case.

    What is no UTF-8 ends the name, as in git, which would rather refuse too much.
    """
    text = _MALFORMED.split(name.decode("utf-8", "surrogateescape"), maxsplit=1)[0]
    return _INVISIBLE.sub("", text).encode().lower()
