"""Objects of one repository: a resident reader, and a writer of whole packs.

Formats: the object, pack and index (version 2) formats of git's own documentation
(gitformat-pack). Object ids are hexadecimal text; SHA-1 and SHA-256 repositories both work.
"""

import hashlib
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Sequence

from carrel.domain.records import dataclass
from carrel.errors import FailedError, NotFoundError
from carrel.git.gateway import Git
from carrel.git.packs import Packed, note_written
from carrel.system.processes import Conversation

TREE = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000

_QUESTIONS = 60  # what fits the smallest pipe there is, so that neither side waits for ever

_SMALL, _SOURCE_FILE = 1 << 12, 1 << 14

_COMMITS = 2000
"""How many commits a reader remembers."""

_KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree: mode as a number, object id as hexadecimal text."""

    mode: int
    oid: str


@dataclass(frozen=True, slots=True)
class Info:
    """What a revision is: full object id, kind, size in bytes."""

    oid: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's facts: tree, parents, committer time (seconds), message."""

    tree: str
    parents: tuple[str, ...]
    time: int
    message: bytes


def parse_commit(data: bytes) -> Commit:
    """Read a commit object."""
    head, _, message = data.partition(b"\n\n")
    tree, time = "", 0
    parents: list[str] = []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode()
        elif key == b"parent":
            parents.append(value.decode())
        elif key == b"committer":
            time = int(value.rsplit(b" ", 2)[1])
    return Commit(tree, tuple(parents), time, message)


def parse_tree(data: bytes, width: int) -> dict[bytes, Entry]:
    """Read a tree object; `width` is the size of an object id in bytes (20 or 32)."""
    entries: dict[bytes, Entry] = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        zero = data.index(b"\0", space)
        end = zero + 1 + width
        entries[data[space + 1 : zero]] = Entry(int(data[at:space], 8), data[zero + 1 : end].hex())
        at = end
    return entries


def format_tree(entries: Iterable[tuple[bytes, Entry]]) -> bytes:
    """Write a tree object; git sorts folders as if their names ended in a slash."""
    ordered = sorted(entries, key=lambda item: item[0] + (b"/" if item[1].mode == TREE else b""))
    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid)) for name, entry in ordered
    )


class Reader:
    """Reads objects through one resident `git cat-file --batch-command`.

    Safe for threads; a fork or a dead process makes it start anew.
    """

    def __init__(self, git: Git) -> None:
        self.git = git
        self._lock = threading.RLock()
        self._process: Conversation | None = None
        self._commits: dict[str, Commit] = {}

    def info(self, revision: str) -> Info | None:
        """Return what `revision` names, or None when nothing has that name."""
        with self._lock:
            parts = self._ask(f"info {revision}").split(b" ")
        if len(parts) != 3 or not parts[2].isdigit():  # noqa: PLR2004 - id, kind, size
            return None
        return Info(parts[0].decode(), parts[1].decode(), int(parts[2]))

    def read(self, revision: str) -> tuple[Info, bytes]:
        """Return an object with its bytes.

        Raises:
            NotFoundError: `object_missing`.
        """
        with self._lock:
            parts = self._ask(f"contents {revision}").split(b" ")
            if len(parts) != 3 or not parts[2].isdigit():  # noqa: PLR2004 - id, kind, size
                raise NotFoundError(
                    "object_missing",
                    f"{revision!r} names no object in {self.git.git_dir}.",
                    cure="Check the name; 'carrel doctor' checks the stores.",
                )
            size = int(parts[2])
            data = self._conversation().exactly(size + 1)[:-1]
        return Info(parts[0].decode(), parts[1].decode(), size), data

    def read_many(self, oids: Sequence[str]) -> list[tuple[Info, bytes]]:
        """Return objects by full id, in order, at a fraction of the cost of single reads.

        Raises:
            NotFoundError: `object_missing`.
        """
        found = self._burst(oids, None) if oids else []
        return [self.read(oid) for oid in oids] if found is None else found

    def read_small(self, oids: Sequence[str], largest: int) -> list[bytes] | None:
        """Return the bytes of objects by full id; None when one is missing or larger."""
        found = self._burst(oids, largest) if oids else []
        return None if found is None else [data for _, data in found]

    def _burst(self, oids: Sequence[str], largest: int | None) -> list[tuple[Info, bytes]] | None:
        """Ask ahead, so that git looks for the next while we take in the last.

        None when the process died, or an object is missing or too large.
        """
        found: list[tuple[Info, bytes]] = []
        asked = 0
        with self._lock:
            try:
                talk = self._conversation()
                while len(found) < len(oids):
                    while asked < len(oids) and asked - len(found) <= _QUESTIONS // 2:
                        some = oids[asked : asked + _QUESTIONS // 2]
                        words = "".join(f"contents {oid}\n" for oid in some)
                        talk.send(words.encode() + b"flush\n")
                        asked += len(some)
                    parts = talk.line().split()
                    size = int(parts[2]) if len(parts) == 3 else -1  # noqa: PLR2004 - id, kind, size
                    if size < 0 or (largest is not None and size > largest):
                        break
                    data = talk.exactly(size + 1)[:-1]
                    found.append((Info(parts[0].decode(), parts[1].decode(), size), data))
            except (BrokenPipeError, ValueError):
                pass
            if len(found) < len(oids):
                self.close()  # it may be about to say more
                return None
        return found

    def tree(self, oid: str) -> dict[bytes, Entry]:
        """Return the entries of a tree, or of a commit's tree, by name."""
        info, data = self.read(oid)
        if info.kind == "commit":
            info, data = self.read(self.commit(info.oid).tree)
        return parse_tree(data, len(info.oid) // 2)

    def commit(self, revision: str) -> Commit:
        """Return the facts of a commit; those of a full id are asked for once."""
        known = self._commits.get(revision)
        if known is not None:
            return known
        info, data = self.read(revision + "^{commit}")
        found = parse_commit(data)
        if len(self._commits) >= _COMMITS:
            self._commits.clear()
        if info.size <= _SMALL:
            self._commits[info.oid] = found
        return found

    def infos(self, revisions: Sequence[str]) -> list[Info | None]:
        """Return what each of many revisions names; one round trip for dozens of them."""
        found: list[Info | None] = []
        for start in range(0, len(revisions), _QUESTIONS):
            some = revisions[start : start + _QUESTIONS]
            if any("\n" in revision for revision in some):
                raise NotFoundError("object_missing", "A name with a line break names nothing.")
            with self._lock:
                talk = self._conversation()
                feed = "".join(f"info {revision}\n" for revision in some)
                talk.send(os.fsencode(feed) + b"flush\n")
                found += [self._answer(talk) for _ in some]
        return found

    def _answer(self, talk: Conversation) -> Info | None:
        line = talk.line()
        if not line:
            raise _silent(self.git)
        parts = line.rstrip(b"\n").rsplit(b" ", 2)
        if len(parts) != 3 or not parts[2].isdigit():  # noqa: PLR2004 - id, kind, size
            return None
        return Info(parts[0].decode(), parts[1].decode(), int(parts[2]))

    def start(self) -> None:
        """Start the resident process without waiting for it; the first question need not."""
        with self._lock:
            self._conversation()

    def close(self) -> None:
        """End the resident process; the next question starts another."""
        with self._lock:
            if self._process is not None:
                self._process.close()
            self._process = None
            self._commits.clear()

    def _conversation(self) -> Conversation:
        if self._process is not None and not self._process.alive():
            self._process.close()
            self._process = None
        if self._process is None:
            self._process = self.git.converse("cat-file", "--batch-command", "--buffer")
        return self._process

    def _ask(self, command: str) -> bytes:
        if "\n" in command:
            raise NotFoundError("object_missing", f"{command!r} can't name an object.")
        line = b""
        for _ in range(2):  # a process that died while idle is replaced once
            try:
                talk = self._conversation()
                talk.send(os.fsencode(command) + b"\nflush\n")
                line = talk.line()
            except (BrokenPipeError, ValueError):
                line = b""
            if line:
                return line.rstrip(b"\n")
            self.close()
        raise _silent(self.git)


def _silent(git: Git) -> FailedError:
    return FailedError(
        "git_failed",
        f"git cat-file gave no answer in {git.git_dir}.",
        cure="Run 'carrel doctor'; the store may be damaged or unreadable.",
    )


_Whole = tuple[int, bytes]
"""Kind, by git's number, and bytes of an object."""


class PackWriter:
    """Collects new objects and writes them as one pack, durable before it is visible.

    One pack costs one `fsync`, where loose objects cost one each. The index is renamed into
    place last, so readers see all of it or nothing.

    Attributes:
        objects_dir: Object folder that gets the pack.
        waiting: What is collected, by object id; objects of other packs come in as they are.
    """

    def __init__(self, objects_dir: str, width: int = 20) -> None:
        self.objects_dir = objects_dir
        self._hash = hashlib.sha1 if width == 20 else hashlib.sha256  # noqa: PLR2004
        self.waiting: dict[str, _Whole | Packed] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, kind: str, data: bytes) -> str:
        """Take an object in and return its id."""
        oid = self._hash(b"%s %d\0%s" % (kind.encode(), len(data), data)).hexdigest()
        self.waiting.setdefault(oid, (_KINDS[kind], data))
        return oid

    def blob(self, data: bytes) -> str:
        """Take in the bytes of a file or the target of a link."""
        return self.add("blob", data)

    def tree(self, entries: Iterable[tuple[bytes, Entry]]) -> str:
        """Take in a tree."""
        return self.add("tree", format_tree(entries))

    def pending(self, oid: str) -> bytes | None:
        """Return the bytes of an object that was added and is not written yet."""
        found = self.waiting.get(oid)
        return found[1] if isinstance(found, tuple) else None

    def flush(self) -> str | None:
        """Write the pack; return its name without suffix, or None when there was nothing."""
        if not self.waiting:
            return None
        pack, rows = self._pack()
        trailer = pack[-len(self._hash().digest()) :]
        index = self._index(rows, trailer)
        folder = f"{self.objects_dir}/pack"
        os.makedirs(folder, exist_ok=True)
        name = f"{folder}/pack-{trailer.hex()}"
        _durable(f"{name}.pack", pack)
        _durable(f"{name}.idx", index)
        self.waiting.clear()
        note_written(name)
        return name

    def _pack(self) -> tuple[bytes, list[tuple[str, int, int]]]:
        parts = [struct.pack(">4sII", b"PACK", 2, len(self))]
        rows: list[tuple[str, int, int]] = []
        at = len(parts[0])
        for oid, found in self.waiting.items():
            packed = found if isinstance(found, Packed) else _packed(*found)
            rows.append((oid, packed.crc, at))
            parts.append(packed.data)
            at += len(packed.data)
        body = b"".join(parts)
        return body + self._hash(body).digest(), sorted(rows)

    def _index(self, rows: list[tuple[str, int, int]], trailer: bytes) -> bytes:
        counts = [0] * 256
        for oid, _, _ in rows:
            counts[int(oid[:2], 16)] += 1
        fanout: list[int] = []
        total = 0
        for count in counts:
            total += count
            fanout.append(total)
        small = [at if at < 1 << 31 else None for _, _, at in rows]
        large = [at for _, _, at in rows if at >= 1 << 31]
        numbers = iter(range(len(large)))
        body = b"".join(
            (
                b"\377tOc",
                struct.pack(">I", 2),
                struct.pack(">256I", *fanout),
                b"".join(bytes.fromhex(oid) for oid, _, _ in rows),
                struct.pack(f">{len(rows)}I", *(crc for _, crc, _ in rows)),
                struct.pack(
                    f">{len(rows)}I",
                    *(at if at is not None else (1 << 31) | next(numbers) for at in small),
                ),
                struct.pack(f">{len(large)}Q", *large),
                trailer,
            )
        )
        return body + self._hash(body).digest()


def _packed(kind: int, data: bytes) -> Packed:
    packed = _pack_header(kind, len(data)) + _deflated(kind, data)
    return Packed(packed, zlib.crc32(packed))


def _deflated(kind: int, data: bytes) -> bytes:
    """Compress; a small window for a small object, since making a large one costs more.

    A small tree is mostly ids, which do not shrink: it is stored until the store is repacked.
    """
    if len(data) > _SOURCE_FILE:
        return zlib.compress(data, 1)
    stored = kind == _KINDS["tree"] and len(data) <= _SMALL
    small = zlib.compressobj(0 if stored else 1, zlib.DEFLATED, 13, 6)
    return small.compress(data) + small.flush()


def _pack_header(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    out.append(first)
    return bytes(out)


def _durable(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
