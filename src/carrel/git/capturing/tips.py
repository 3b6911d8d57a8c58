"""What an occupant's own `.git/` points to, read as plain files and never through git.

Git would obey the configuration found there, wait for a FIFO among the references, and give up
on one that is broken. Everything here is a bounded regular file, opened without following
links; what isn't is reported and passed over.
"""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import field
from functools import lru_cache

from carrel.domain.records import dataclass
from carrel.git.nofollow import Below

_OID = re.compile(rb"(?:[0-9a-f]{64}|[0-9a-f]{40})\Z")
_ZERO = b"0"
_LARGEST_REF = 4096
_LARGEST_LIST = 32 << 20
_MOST_FILES = 20_000
_DEEPEST = 24
_MOST_LINKS = 5
_UPSTREAM = b"refs/remotes/"
_HEADS = re.compile(rb"[A-Z_]*HEAD|AUTO_MERGE")
_SPECIAL = "neither a file nor a folder, so it was not read"


@dataclass(slots=True)
class Tips:
    """The commits that an occupant's own git directory points to.

    Attributes:
        head: What HEAD resolves to.
        refs: Branches, tags, stash and other references: full name to object id.
        others: Further object ids: reflogs, unfinished merges, other work trees.
        upstream: What remotes were last seen at.
        skipped: What could not be read, with the reason.
    """

    head: str | None = None
    refs: dict[str, str] = field(default_factory=dict[str, str])
    others: set[str] = field(default_factory=set[str])
    upstream: set[str] = field(default_factory=set[str])
    skipped: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def all(self) -> set[str]:
        """Return every object id that the occupant may have made."""
        head = {self.head} if self.head else set[str]()
        return head | set(self.refs.values()) | self.others


class GitFolder:
    """One private git directory, made of one or more folders, topmost first.

    Args:
        folders: Each with what opens files in it. The topmost is the occupant's; those below
            belong to the layer, where only Carrel writes.
    """

    def __init__(self, folders: Sequence[tuple[Below, bytes]]) -> None:
        self.folders = folders

    def status(self, path: bytes) -> os.stat_result | None:
        """Return what stands at `path`; a whiteout hides what is below it."""
        for below, folder in self.folders:
            whole = folder + b"/" + path if path else folder
            try:
                found = below.stat(whole)
            except OSError:  # a link or a file stands where a folder was
                found = None
            if found is not None:
                return None if _whiteout(found) else found
        return None

    def names(self, path: bytes) -> list[bytes]:
        """List a folder over all layers."""
        names: dict[bytes, None] = {}
        for below, folder in self.folders:
            try:
                names.update(dict.fromkeys(below.names(folder + b"/" + path if path else folder)))
            except OSError:
                continue
        return sorted(names)

    def read(self, path: bytes, most: int, tips: Tips) -> bytes | None:
        """Read a regular file; report anything else that stands there."""
        for below, folder in self.folders:
            whole = folder + b"/" + path
            try:
                found = below.stat(whole)
            except OSError:
                continue
            if found is None:
                continue
            if _whiteout(found):
                return None
            if not stat.S_ISREG(found.st_mode):
                tips.skipped.append((_shown(path), _SPECIAL))
                return None
            data = below.small(whole, most)
            if data is None:
                tips.skipped.append((_shown(path), "it is too large or can't be read"))
            return data
        return None


def read_tips(folder: GitFolder) -> Tips:
    """Read everything that points to a commit."""
    tips = Tips()
    packed = _packed(folder.read(b"packed-refs", _LARGEST_LIST, tips) or b"")
    loose: dict[bytes, bytes] = {}
    for path in _files(folder, b"refs", tips):
        data = folder.read(path, _LARGEST_REF, tips)
        if data is not None:
            loose[path] = data.strip()
    values = {**packed.values, **loose}
    known = packed.tips if packed.values.keys().isdisjoint(loose) else Tips()
    tips.refs |= known.refs
    tips.upstream |= known.upstream
    tips.skipped += known.skipped
    for name, value in (loose if known is packed.tips else values).items():
        _take_ref(tips, name, value, values)
    _take_head(folder, tips, values)
    _take_others(folder, tips)
    if folder.status(b"reftable") is not None:
        tips.skipped.append((".git/reftable", "references in this form can't be read yet"))
    if folder.names(b"modules"):
        tips.skipped.append(
            (".git/modules", "commits inside submodules are not adopted; push them")
        )
    return tips


@dataclass(frozen=True, slots=True)
class _Packed:
    """The references of a `packed-refs` file, and what they are to us."""

    values: dict[bytes, bytes]
    tips: Tips


@lru_cache(maxsize=4)
def _packed(data: bytes) -> _Packed:
    """Read a `packed-refs` file; it is nearly always the layer's, the same for everybody."""
    values: dict[bytes, bytes] = {}
    for line in data.splitlines():
        oid, _, name = line.partition(b" ")
        if _OID.match(oid) and name.startswith(b"refs/"):
            values[name] = oid
    found = Tips()
    for name, value in values.items():
        _take_ref(found, name, value, values)
    return _Packed(values, found)


def _take_ref(tips: Tips, name: bytes, value: bytes, values: dict[bytes, bytes]) -> None:
    oid = _resolved(value, values)
    if oid is None:
        if not value.startswith(b"ref: "):
            tips.skipped.append((_shown(name), "it holds no object id"))
    elif name.startswith(_UPSTREAM):
        tips.upstream.add(oid)
    else:
        tips.refs[os.fsdecode(name)] = oid


def _take_head(folder: GitFolder, tips: Tips, values: dict[bytes, bytes]) -> None:
    head = folder.read(b"HEAD", _LARGEST_REF, tips)
    if head is not None:
        tips.head = _resolved(head.strip(), values)


def _take_others(folder: GitFolder, tips: Tips) -> None:
    paths = [name for name in folder.names(b"") if _HEADS.fullmatch(name)]
    paths = [name for name in paths if name not in {b"HEAD", b"FETCH_HEAD"}]
    paths += [b"rebase-merge/orig-head", b"rebase-apply/orig-head"]
    logs = [path for path in _files(folder, b"logs", tips) if b"logs/refs/remotes/" not in path]
    for name in folder.names(b"worktrees"):
        paths += [b"worktrees/" + name + b"/HEAD", b"worktrees/" + name + b"/ORIG_HEAD"]
        logs.append(b"worktrees/" + name + b"/logs/HEAD")
    for path in paths:
        for line in (folder.read(path, _LARGEST_REF, tips) or b"").splitlines():
            _take_oid(tips, line.partition(b"\t")[0].strip())
    for path in logs:
        for line in (folder.read(path, _LARGEST_LIST, tips) or b"").splitlines():
            for word in line.split(b" ", 2)[:2]:
                _take_oid(tips, word)


def _take_oid(tips: Tips, word: bytes) -> None:
    if _OID.match(word) and word.strip(_ZERO):
        tips.others.add(word.decode())


def _resolved(value: bytes, values: dict[bytes, bytes]) -> str | None:
    for _ in range(_MOST_LINKS):
        if not value.startswith(b"ref: "):
            break
        value = values.get(value[5:].strip(), b"")
    return value.decode() if _OID.match(value) and value.strip(_ZERO) else None


def _files(folder: GitFolder, top: bytes, tips: Tips) -> list[bytes]:
    """Return the files below a folder; special ones are reported when they are read."""
    found: list[bytes] = []
    waiting = [top]
    while waiting:
        path = waiting.pop()
        if path.count(b"/") > _DEEPEST or len(found) + len(waiting) > _MOST_FILES:
            tips.skipped.append((_shown(path), "there are more references than can be read"))
            break
        for name in folder.names(path):
            inner = path + b"/" + name
            present = folder.status(inner)
            # No reference begins with a dot; the marks of an overlay do.
            if present is None or name.endswith(b".lock") or name.startswith(b"."):
                continue
            if stat.S_ISDIR(present.st_mode):
                waiting.append(inner)
            else:
                found.append(inner)
    return found


def _whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _shown(path: bytes) -> str:
    return ".git/" + os.fsdecode(path)
