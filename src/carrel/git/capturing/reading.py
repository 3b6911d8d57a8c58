"""Files of a workspace become entries of a tree."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Protocol

from carrel.domain.delta import Leaf, LeafKind
from carrel.domain.records import dataclass
from carrel.errors import RefusedError
from carrel.git.capturing.conversion import Attributes, Raw, filtered, may_convert, to_git
from carrel.git.capturing.pruning import Tracked
from carrel.git.capturing.scratch import Scratch
from carrel.git.capturing.smudged import Smudged
from carrel.git.nofollow import Below
from carrel.git.objects import EXECUTABLE, FILE, LINK, Entry, PackWriter

_MOVED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EINVAL, errno.ENXIO}
_PACK_BYTES = 64 << 20
_HEAD_BYTES = 200
_NAMED = 10
_SHA1_DIGITS = 40
_TOO_LARGE = "larger than a checkpoint takes"
_UNREADABLE = "it can't be read"


class MovedError(Exception):
    """What the delta named is something else by now."""

    def __init__(self, path: bytes) -> None:
        super().__init__(path)
        self.path = path


@dataclass(slots=True)
class Files:
    """Reads files and links, and stores what git does not have yet.

    Attributes:
        writer: Takes in new objects; flushed now and then, so memory stays bounded.
        tracked: What git has at each path.
        below: Opens files.
        attributes: The attribute files.
        max_file_bytes: Largest file that is taken.
        entries: The result, by path; None for what is gone.
        notes: What was stored in another way than its attributes ask for.
        filters: Names of those that git may run, in the throwaway work tree.
        smudged: Files that may still be just as a filter wrote them.
    """

    writer: PackWriter
    tracked: Tracked
    below: Below
    attributes: Attributes
    max_file_bytes: int
    scratch: Callable[[], Scratch]
    entries: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    notes: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    filters: frozenset[str] = frozenset()
    smudged: Mapping[bytes, Smudged] = field(default_factory=dict[bytes, Smudged])
    _pending: int = 0
    _raw_bytes: int = 0
    _convertible: dict[bytes, tuple[Raw, int]] = field(default_factory=dict[bytes, tuple[Raw, int]])
    _heads: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    _too_large: list[tuple[bytes, int]] = field(default_factory=list[tuple[bytes, int]])

    def take(
        self, leaves: Mapping[bytes, Leaf], *, vanished_is_gone: bool, leave_out: bool = False
    ) -> None:
        """Read all leaves.

        Args:
            leaves: By path.
            vanished_is_gone: A file that is gone by now counts as deleted.
            leave_out: What is too large or can't be read stays what it was, and is noted.

        Raises:
            MovedError: Something is no longer what the delta said; read the delta again.
            RefusedError: `file_too_large` naming every such file, or `file_unreadable`.
        """
        for path, leaf in leaves.items():
            try:
                self._one(path, leaf)
            except OSError as error:
                if error.errno == errno.ENOENT and vanished_is_gone:
                    self.entries[path] = None
                elif error.errno in _MOVED:
                    raise MovedError(path) from error
                elif leave_out:
                    self._leave_out(path, _UNREADABLE)
                else:
                    raise _unreadable(path, error) from error
        if self._too_large and not leave_out:
            raise _too_large(self._too_large, self.max_file_bytes)
        for path, _ in self._too_large:
            self._leave_out(path, _TOO_LARGE)
        self._convert()
        self._note_filters()

    def _one(self, path: bytes, leaf: Leaf) -> None:
        if leaf.kind is LeafKind.LINK:
            self._store(path, self.below.link(leaf.source), LINK)
            return
        if self._as_smudged(path, leaf):
            return
        if leaf.size > self.max_file_bytes and self._unchanged(path, leaf):
            return
        data, status = self.below.read(leaf.source, self.max_file_bytes)
        if len(data) > self.max_file_bytes:
            self._too_large.append((path, max(status.st_size, len(data))))
            return
        self._take_in(path, data, _mode(status))

    def _leave_out(self, path: bytes, reason: str) -> None:
        self.entries[path] = next(iter(self._known(path)), None)
        self.notes.append((path, reason))

    def _take_in(self, path: bytes, data: bytes, mode: int) -> None:
        filtered_here = self.attributes.mention(path, b"filter")
        if filtered_here:
            self._heads[path] = data[:_HEAD_BYTES]
        if (filtered_here and self.filters) or may_convert(self.attributes, path, data):
            self._convertible[path] = (Raw(data, self.tracked.entry(path)), mode)
            self._raw_bytes += len(data)
            if self._raw_bytes > _PACK_BYTES:
                self._convert()
        else:
            self._store(path, data, mode)

    def _as_smudged(self, path: bytes, leaf: Leaf) -> bool:
        """Tell whether a file is just as a filter wrote it: then it is what the start has."""
        known = self.smudged.get(path)
        status = None if known is None else self.below.stat(leaf.source)
        if known is None or status is None or not known.stands(status):
            return False
        self.entries[path] = Entry(_mode(status), known.oid)
        return True

    def _unchanged(self, path: bytes, leaf: Leaf) -> bool:
        """Tell whether a huge file is one that git has already; it is hashed in pieces."""
        known = {entry.oid for entry in self._known(path)}
        if not known:
            return False
        handle = self.below.open(leaf.source)
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            digest = _digest(self.tracked.layer)
            digest.update(b"blob %d\0" % status.st_size)
            while part := file.read(1 << 20):
                digest.update(part)
        if digest.hexdigest() not in known:
            return False
        self.entries[path] = Entry(_mode(status), digest.hexdigest())
        return True

    def _store(self, path: bytes, data: bytes, mode: int) -> None:
        digest = _digest(self.tracked.layer)
        digest.update(b"blob %d\0" % len(data))
        digest.update(data)
        oid = digest.hexdigest()
        if all(entry.oid != oid for entry in self._known(path)):
            self.writer.blob(data)
            self._pending += len(data)
            if self._pending > _PACK_BYTES:
                self.writer.flush()
                self._pending = 0
        self.entries[path] = Entry(mode, oid)

    def _known(self, path: bytes) -> list[Entry]:
        found = (self.tracked.forest.entry(root, path) for root in self.tracked.roots)
        return [entry for entry in found if entry is not None]

    def _convert(self) -> None:
        if not self._convertible:
            return
        raws = {path: raw for path, (raw, _) in self._convertible.items()}
        with self.scratch() as scratch:
            converted, notes = to_git(scratch, self.attributes, raws)
        self.notes += notes
        for path, (raw, mode) in self._convertible.items():
            result = converted.get(path)
            if result is not None and result.data is None:
                self.entries[path] = Entry(mode, result.oid)
            else:
                self._store(path, raw.data if result is None else result.data or b"", mode)
        self._convertible.clear()
        self._raw_bytes = 0

    def _note_filters(self) -> None:
        if not self._heads:
            return
        with self.scratch() as scratch:
            found = filtered(scratch, self.attributes, self._heads)
        self.notes += [
            (path, f"stored as it is on disk: the filter {name!r} is not run")
            for path, name in found
            if name not in self.filters
        ]


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def _digest(example: str) -> _Digest:
    return hashlib.sha1() if len(example) == _SHA1_DIGITS else hashlib.sha256()  # noqa: S324


def _mode(status: os.stat_result) -> int:
    return EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE


def _unreadable(path: bytes, error: OSError) -> RefusedError:
    return RefusedError(
        "file_unreadable",
        f"{os.fsdecode(path)!r} can't be read, so nothing was recorded.",
        why=f"{error.strerror}.",
        cure="Make it readable for you, close the program that locks it, or ignore it.",
    )


def _too_large(files: list[tuple[bytes, int]], limit: int) -> RefusedError:
    named = [f"{os.fsdecode(path)!r} ({size:,} bytes)" for path, size in sorted(files)]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return RefusedError(
        "file_too_large",
        f"Too large for a checkpoint: {', '.join(named[:_NAMED])}{more}.",
        why=f"A file may have {limit:,} bytes; nothing was recorded.",
        cure="Ignore it in .gitignore, remove it, or raise checkpoint.max_file_mb.",
    )
