"""Taking in an occupant's loose objects without a process, where all of them are plain.

What `index-pack --strict` proves is proved here: the bytes fit the name, the format is sound,
no name could be taken for git's own, and nothing that is led to is missing or of another kind.
At the least that is unusual the answer is None, and git looks at all of them itself.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.errors import NotFoundError
from carrel.git.forest import FOLDER, Forest, Raw
from carrel.git.objects import PackWriter, Reader

_MOST = 500  # also bounds how deep trees are followed
_MOST_BYTES = 32 << 20
_HEADER = re.compile(rb"(blob|tree|commit) (0|[1-9][0-9]{0,9})\0")
_GITLINK = b"160000"
_KINDS = {FOLDER: "tree", b"100644": "blob", b"100755": "blob", b"120000": "blob"}
_OID = rb"(?:[0-9a-f]{64}|[0-9a-f]{40})"
_PERSON = rb"[^<>\n]+ <[^<>\n]*> (?:0|[1-9][0-9]{0,11}) [+-][0-9]{4}\n"
_COMMIT = re.compile(
    rb"tree (%s)\n((?:parent %s\n)*)author %scommitter %s" % (_OID, _OID, _PERSON, _PERSON)
)
_ODD_NAME = re.compile(
    rb"\.|\.\.|\.git(?!ignore$|keep$|hub$).*|.*[^ -}].*|.*[\\:].*", re.IGNORECASE | re.DOTALL
)
"""Of git's own or like it on some file system; what merely might be is odd too."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A loose object that was read and found sound by itself."""

    kind: str
    data: bytes


class _UnusualError(Exception):
    """Git has to look at it."""


def unpacked(oid: str, stored: bytes | None, writer: PackWriter) -> Plain | None:
    """Return what the file of a loose object holds; None for what does not fit its name."""
    if stored is None:
        return None
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(stored, _MOST_BYTES)
    except zlib.error:
        return None
    header = _HEADER.match(whole)
    if header is None or not stream.eof or stream.unused_data:
        return None
    data = whole[header.end() :]
    kind = header[1].decode()
    if len(data) != int(header[2]) or writer.add(kind, data) != oid:
        return None
    return Plain(kind, data)


def closed(objects: Mapping[str, Plain], reader: Reader, width: int) -> bool:
    """Tell whether all objects are sound, and lead to each other and to what is stored.

    Args:
        objects: By id; each fits its name.
        reader: Reads what is stored.
        width: Bytes of an object id.
    """
    check = _Check(objects, reader, width)
    try:
        return check.everything()
    except (_UnusualError, NotFoundError):
        return False


def taken_in(
    wanted: Iterable[str], stored: Mapping[str, bytes | None], vault: str, reader: Reader
) -> bool:
    """Store loose objects in the vault; False, and nothing stored, where git has to do it.

    Args:
        wanted: Ids.
        stored: The bytes of each file by id.
        vault: Object folder.
        reader: Reads the vault.
    """
    ordered = sorted(wanted)
    if not ordered or len(ordered) > _MOST:
        return False
    width = len(ordered[0]) // 2
    writer = PackWriter(vault, width)
    objects: dict[str, Plain] = {}
    total = 0
    for oid in ordered:
        found = unpacked(oid, stored.get(oid), writer)
        if found is None:
            return False
        total += len(found.data)
        if total > _MOST_BYTES:
            return False
        objects[oid] = found
    if not closed(objects, reader, width):
        return False
    writer.flush()
    return True


@dataclass(slots=True)
class _Check:
    """One look at a set of objects."""

    objects: Mapping[str, Plain]
    reader: Reader
    width: int
    trees: dict[str, dict[bytes, Raw]] = field(default_factory=dict[str, dict[bytes, Raw]])
    asked: dict[str, str] = field(default_factory=dict[str, str])

    def everything(self) -> bool:
        forest = Forest(self.reader, self.width, PackWriter("", self.width))
        for oid, one in self.objects.items():
            if one.kind == "tree":
                self.trees[oid] = self._parsed(one.data)
        seen: set[str] = set()
        for one in self.objects.values():
            if one.kind == "commit":
                tree, parents = self._commit(one.data)
                self._lead(tree, "tree")
                for parent in parents:
                    self._lead(parent, "commit")
                self._tree(tree, self._tree_of(parents), forest, seen)
        for oid in self.trees:
            self._tree(oid, "", forest, seen)
        asked = list(self.asked)
        found = self.reader.infos(asked)
        return all(
            info is not None and info.kind == self.asked[oid] and info.oid == oid
            for oid, info in zip(asked, found, strict=True)
        )

    def _lead(self, oid: str, kind: str) -> None:
        """Note that something leads to an object, which must be here or stored."""
        here = self.objects.get(oid)
        if (here.kind if here else self.asked.setdefault(oid, kind)) != kind:
            raise _UnusualError

    def _tree(self, oid: str, like: str, forest: Forest, seen: set[str]) -> None:
        """Note what a new tree leads to, but for what a tree of its like has too."""
        entries = self.trees.get(oid)
        if entries is None or oid in seen:
            return
        seen.add(oid)
        known: Mapping[bytes, Raw] = self.trees.get(like) or forest.entries(like)
        for name, raw in entries.items():
            before = known.get(name, (b"", b""))
            if raw == before:
                continue
            if not name or b"/" in name or _ODD_NAME.fullmatch(name):
                raise _UnusualError
            if raw[0] == _GITLINK:
                continue
            inner = raw[1].hex()
            self._lead(inner, _KINDS[raw[0]])
            self._tree(inner, before[1].hex() if before[0] == FOLDER else "", forest, seen)

    def _tree_of(self, parents: tuple[str, ...]) -> str:
        """Return the tree that a commit's own is likely to resemble."""
        if not parents:
            return ""
        here = self.objects.get(parents[0])
        return self.reader.commit(parents[0]).tree if here is None else self._commit(here.data)[0]

    def _commit(self, data: bytes) -> tuple[str, tuple[str, ...]]:
        found = _COMMIT.match(data)
        if found is None or b"\0" in data or b"\n\n" not in data[found.end() - 1 :]:
            raise _UnusualError
        parents = found[2].decode().split("\n")[:-1]
        return found[1].decode(), tuple(line.removeprefix("parent ") for line in parents)

    def _parsed(self, data: bytes) -> dict[bytes, Raw]:
        entries: dict[bytes, Raw] = {}
        at, last = 0, b""
        while at < len(data):
            space, zero = data.find(b" ", at), data.find(b"\0", at)
            end = zero + 1 + self.width
            mode, name, oid = data[at:space], data[space + 1 : zero], data[zero + 1 : end]
            key = name + b"/" if mode == FOLDER else name
            if not at <= space < zero or end > len(data) or key <= last or name in entries:
                raise _UnusualError
            if (mode not in _KINDS and mode != _GITLINK) or not oid.strip(b"\0"):
                raise _UnusualError
            entries[name] = (mode, oid)
            at, last = end, key
        return entries
