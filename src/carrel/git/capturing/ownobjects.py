"""The objects that an occupant's git has written itself, looked at without trusting them."""

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterable, Sequence

from carrel.errors import RefusedError
from carrel.git.nofollow import Below

_FANOUT = re.compile(rb"[0-9a-f]{2}")
_REST = re.compile(rb"(?:[0-9a-f]{62}|[0-9a-f]{38})")
_LARGEST_LIST = 1 << 20
_LARGEST_LOOSE = 1 << 30
_PLAIN = 16 << 20
_SHA1_DIGITS = 40


class OwnObjects:
    """The topmost `objects/` of a workspace's git directory.

    Args:
        below: Opens files of the workspace.
        git: The topmost folder of its `.git/`.
        lower: The layer's folders of the same, where only Carrel writes.
    """

    def __init__(self, below: Below, git: bytes, lower: Sequence[bytes] = ()) -> None:
        self.below = below
        self.git = git
        self.lower = lower
        self.objects = git + b"/objects"

    def git_is_folder(self) -> bool:
        """Tell whether `.git` is still a real folder."""
        found = self.below.stat(self.git)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def any(self) -> bool:
        """Tell whether the occupant has objects of its own."""
        if any(_FANOUT.fullmatch(name) for name in self._names(self.objects)):
            return True
        return any(name.endswith(b".pack") for name in self._names(self.objects + b"/pack"))

    def loose(self) -> dict[str, bytes]:
        """Return every loose object: id and path."""
        found: dict[str, bytes] = {}
        for first in self._names(self.objects):
            if _FANOUT.fullmatch(first):
                folder = self.objects + b"/" + first
                for rest in self._names(folder):
                    if _REST.fullmatch(rest):
                        found[(first + rest).decode()] = folder + b"/" + rest
        return found

    def refuse_foreign(self, base: str) -> None:
        """Make sure that no object can come from anybody else.

        Args:
            base: The one folder that may be borrowed from.

        Raises:
            RefusedError: `foreign_alternate`.
        """
        if self._is_link(self.objects):
            raise _foreign(self.objects, "It is a link to another repository's objects.")
        info = self.objects + b"/info"
        if self._is_link(info) or self._exists(info + b"/http-alternates"):
            raise _foreign(info, "It names objects of another repository.")
        listed = self.below.stat(info + b"/alternates") if self._exists(info) else None
        if listed is not None and not is_mark(b"alternates", listed):
            text = self.below.small(info + b"/alternates", _LARGEST_LIST)
            lines = text.split(b"\n") if text is not None else [b"?"]
            if any(line not in {b"", os.fsencode(base)} for line in lines):
                raise _foreign(info + b"/alternates", "It borrows from another repository.")
        for name in self._names(self.objects):
            if _FANOUT.fullmatch(name):
                self._refuse_links(self.objects + b"/" + name)
        self._refuse_links(self.objects + b"/pack")

    def lenders(self) -> list[str]:
        """Return the object folders of the layer's own `.git/`."""
        found = (os.fsdecode(folder) + "/objects" for folder in self.lower)
        return [folder for folder in found if os.path.isdir(folder)]

    def other_user(self) -> int | None:
        """Return whose rights git needs here, where we are root and the owner is not."""
        if os.geteuid() != 0:
            return None
        found = self.below.stat(self.objects)
        return found.st_uid if found is not None and found.st_uid != 0 else None

    def stored(self, paths: Iterable[bytes]) -> list[bytes | None]:
        """Return the files of loose objects as they are; None for what is no small file."""
        return [self.below.small(path, _PLAIN) for path in paths]

    def sound(self, oids: Iterable[str]) -> set[str]:
        """Return those loose objects whose bytes fit their name."""
        paths = self.loose()
        return {oid for oid in oids if oid in paths and self._is_sound(oid, paths[oid])}

    def _is_sound(self, oid: str, path: bytes) -> bool:
        data = self.below.small(path, _LARGEST_LOOSE)
        if data is None:
            return False
        try:
            whole = zlib.decompress(data)
        except zlib.error:
            return False
        kind = hashlib.sha1 if len(oid) == _SHA1_DIGITS else hashlib.sha256
        return kind(whole).hexdigest() == oid

    def _names(self, folder: bytes) -> list[bytes]:
        try:
            return self.below.names(folder)
        except OSError:
            return []

    def _exists(self, path: bytes) -> bool:
        try:
            return self.below.stat(path) is not None
        except OSError:
            return False

    def _is_link(self, path: bytes) -> bool:
        try:
            found = self.below.stat(path)
        except OSError:
            return True  # something above it is a link
        return found is not None and stat.S_ISLNK(found.st_mode)

    def _refuse_links(self, folder: bytes) -> None:
        if self._is_link(folder):
            raise _foreign(folder, "It is a link to another repository's objects.")
        try:
            special = self.below.special(folder)
        except FileNotFoundError:
            return
        for name in special:
            found = self.below.stat(folder + b"/" + name)
            if found is not None and not is_mark(name, found):
                raise _foreign(folder + b"/" + name, "It is no regular file.")


def is_mark(name: bytes, status: os.stat_result) -> bool:
    """Tell whether this is how an overlay marks a deleted name or a folder made anew."""
    device = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    return device or (name.startswith(b".wh.") and not stat.S_ISLNK(status.st_mode))


def quoted(path: str) -> str:
    """Quote a path for a list of object folders, since a colon would start the next."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _foreign(path: bytes, why: str) -> RefusedError:
    return RefusedError(
        "foreign_alternate",
        f"Nothing was recorded: {os.fsdecode(path)!r} leads out of the workspace.",
        why=why,
        cure="Remove it, and run 'git fetch' there if commits are missing then.",
    )
