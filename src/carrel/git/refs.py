"""References: read from plain files where git would, moved by compare-and-swap.

Reading a branch's tip from its file costs microseconds, where a process costs milliseconds.
Whatever is not plain (a symbolic reference, a reftable, a link) is left to git.
"""

import os
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError
from carrel.git.gateway import Git
from carrel.git.nofollow import read_bounded
from carrel.git.specials import refuse_special

if TYPE_CHECKING:
    from carrel.system.processes import Conversation

_OID = re.compile(rb"(?:[0-9a-f]{64}|[0-9a-f]{40})\n?")
_BAD = re.compile(r"[\000-\040\177~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|$)|/\.|^\.|/$|\.$|^/|^-|^@$")


@dataclass(frozen=True, slots=True)
class Move:
    """One reference to move.

    Attributes:
        ref: Full name.
        new: Object id; empty deletes.
        old: Object id it must have now; all zeros: must not exist; empty: anything.
    """

    ref: str
    new: str
    old: str = ""


def checked_branch(name: str) -> str:
    """Return `name` if git takes it as a branch.

    Raises:
        BadInputError: `bad_branch`.
    """
    if name and name != "HEAD" and not _BAD.search(name) and len(os.fsencode(name)) < 200:  # noqa: PLR2004
        return name
    raise BadInputError(
        "bad_branch",
        f"{name!r} can't be the name of a branch.",
        cure="Use letters, digits, '.', '_', '-' and '/', as in 'feature/search'.",
    )


def zeros(width: int) -> str:
    """Return the object id that stands for "does not exist"."""
    return "0" * (2 * width)


def tip(git: Git, ref: str) -> str | None:
    """Return the object id of a full reference, or None when there is none.

    Raises:
        FailedError: The reference is there but can't be read.
    """
    path = f"{git.git_dir}/{ref}"
    data = read_bounded(path)
    if data is not None and _OID.fullmatch(data):
        return data.strip().decode()
    if data is None and not os.path.lexists(path) and _plain_files(git.git_dir):
        return _packed(git.git_dir, ref)
    refuse_special(path)
    done = git.with_(timeout=10.0).run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", ref, ok=(0, 1)
    )
    return done.out.decode().strip() or None if done.code == 0 else None


def _plain_files(git_dir: str) -> bool:
    return not os.path.lexists(f"{git_dir}/reftable")


def taken(git: Git, ref: str) -> bool:
    """Tell whether a reference exists, in any case, or stands where `ref` needs a folder."""
    wanted = ref.casefold()
    folder, _, _ = ref.rpartition("/")
    try:
        names = {f"{folder}/{name}".casefold() for name in os.listdir(f"{git.git_dir}/{folder}")}
    except NotADirectoryError:
        return True
    except FileNotFoundError:
        names = set[str]()
    if not _plain_files(git.git_dir):
        names |= {name.casefold() for name in listing(git, "refs/heads/")}
    _packed(git.git_dir, ref)
    seen = _packed_seen.get(f"{git.git_dir}/packed-refs")
    packed = (name.casefold() for name in seen[1]) if seen else ()
    return wanted in names or any(
        name == wanted or name == folder.casefold() or name.startswith(f"{wanted}/")
        for name in packed
    )


_packed_seen: dict[str, tuple[tuple[int, int, int], dict[str, str]]] = {}


def _packed(git_dir: str, ref: str) -> str | None:
    """Look a reference up in `packed-refs`; its parsed form is kept while the file is the same."""
    path = f"{git_dir}/packed-refs"
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    sign = (status.st_ino, status.st_size, status.st_mtime_ns)
    seen = _packed_seen.get(path)
    if seen is None or seen[0] != sign:
        seen = (sign, parse_packed(_whole(path)))
        _packed_seen[path] = seen
    return seen[1].get(ref)


def _whole(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        return file.read()


def write_mirror(git: Git, ref: str, oid: str) -> bool:
    """Let a reference of our own store be `oid`, whatever it was, without a process.

    Only for what mirrors something: two writers at once leave either value, a power cut may
    bring the old one back, and the next look at the original puts both right. Nothing is
    locked, so a kill leaves nothing locked. False where git has to do it.
    """
    path = f"{git.git_dir}/{ref}"
    draft = f"{git.git_dir}/carrel-ref-{os.getpid()}-{threading.get_ident()}"
    if tip(git, ref) is None and _clashes(git, ref):
        return False
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(draft, "wb") as file:
            file.write(f"{oid}\n".encode())
        os.rename(draft, path)
    except OSError:
        if os.path.exists(draft):
            os.unlink(draft)
        return False
    return True


def _clashes(git: Git, ref: str) -> bool:
    """Tell whether a packed reference needs `ref` as a folder, or is one above it."""
    parts = ref.split("/")
    above = {"/".join(parts[:count]) for count in range(3, len(parts))}
    _packed(git.git_dir, ref)
    seen = _packed_seen.get(f"{git.git_dir}/packed-refs")
    return any(name in above or name.startswith(f"{ref}/") for name in (seen[1] if seen else ()))


def parse_packed(data: bytes) -> dict[str, str]:
    """Read the text of a `packed-refs` file: full name to object id."""
    found: dict[str, str] = {}
    for line in data.splitlines():
        if line[:1] in {b"#", b"^"}:
            continue
        oid, _, ref = line.partition(b" ")
        found[os.fsdecode(ref)] = oid.decode("ascii", errors="replace")
    return found


def format_packed(refs: dict[str, str]) -> bytes:
    """Write the text of a `packed-refs` file."""
    lines = sorted((os.fsencode(ref), oid.encode()) for ref, oid in refs.items())
    return b"# pack-refs with: sorted \n" + b"".join(b"%s %s\n" % (o, r) for r, o in lines)


def listing(git: Git, *prefixes: str) -> dict[str, str]:
    """Return the references below some prefixes: full name to object id."""
    done = git.run("for-each-ref", "--format=%(objectname) %(refname)", "--", *prefixes)
    lines = [line.partition(b" ") for line in done.out.splitlines()]
    return {os.fsdecode(ref): oid.decode() for oid, _, ref in lines}


def present(git: Git, wanted: dict[str, str]) -> dict[str, str]:
    """Return those references whose objects the repository has."""
    ordered = list(wanted.items())
    feed = "".join(f"{oid}\n" for _, oid in ordered).encode()
    lines = git.run("cat-file", "--batch-check=%(objectname)", stdin=feed).out.splitlines()
    return {
        ref: oid
        for (ref, oid), line in zip(ordered, lines, strict=True)
        if not line.endswith(b" missing")
    }


class Refs:
    """Moves references of one repository through a resident `git update-ref --stdin`."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self._lock = threading.RLock()
        self._process: Conversation | None = None
        self._prepared = False

    def move(self, moves: Sequence[Move]) -> bool:
        """Move all or nothing; False when one of them was not what it had to be.

        Raises:
            FailedError: `git_failed` for any other reason.
        """
        if not moves:
            return True
        words = f"start\n{_orders(moves)}prepare\ncommit\n"
        with self._lock:
            if self._say(words, b"start: ok", b"prepare: ok", b"commit: ok"):
                return True
        if any(not self._as_expected(move) for move in moves):
            return False
        return self._once(moves)

    def prepare(self, moves: Sequence[Move]) -> bool:
        """Lock the references and check their old values; `commit` or `close` must follow.

        Should this process die in between, git sees its input end and lets go.
        """
        with self._lock:
            words = f"start\n{_orders(moves)}prepare\n"
            self._prepared = self._say(words, b"start: ok", b"prepare: ok")
            return self._prepared

    def refuse_stuck(self, moves: Sequence[Move]) -> None:
        """Tell why references that are where they have to be can't be moved all the same.

        Raises:
            FailedError: `git_failed`, with git's own words: a lock of another process, say.
        """
        if all(self._as_expected(move) for move in moves):
            feed = os.fsencode(f"start\n{_orders(moves)}prepare\nabort\n")
            self.git.run("update-ref", "-m", "carrel", "--stdin", stdin=feed)

    def commit(self) -> bool:
        """Carry out what was prepared."""
        with self._lock:
            self._prepared = False
            return self._say("commit\n", b"commit: ok")

    def abort(self) -> None:
        """Let go of what was prepared."""
        with self._lock:
            if self._prepared:
                self._prepared = False
                self._say("abort\n", b"abort: ok")

    def close(self) -> None:
        """End the resident process, and with it a transaction that was only prepared."""
        with self._lock:
            self.abort()  # a kill would leave git's lock files behind
            if self._process is not None:
                self._process.close()
            self._process = None

    def start(self) -> None:
        """Start the resident process without waiting for it; the first move need not."""
        with self._lock:
            self._conversation()

    def _conversation(self) -> "Conversation":
        if self._process is not None and not self._process.alive():
            self._process.close()
            self._process = None
        if self._process is None:
            self._process = self.git.converse("update-ref", "-m", "carrel", "--stdin")
        return self._process

    def _say(self, words: str, *expected: bytes) -> bool:
        talk = self._conversation()
        try:
            talk.send(os.fsencode(words))
            told = [talk.line().strip() for _ in expected]
        except (BrokenPipeError, ValueError):
            told = []
        if told == list(expected):
            return True
        talk.close()  # it has ended itself: every refusal is fatal to it
        self._process = None
        return False

    def _as_expected(self, move: Move) -> bool:
        now = tip(self.git, move.ref)
        if not move.old:
            return True
        return now is None if not move.old.strip("0") else now == move.old

    def _once(self, moves: Sequence[Move]) -> bool:
        """Try in a process of its own: it either works now, or tells why not."""
        self.git.run("update-ref", "-m", "carrel", "--stdin", stdin=os.fsencode(_orders(moves)))
        return True


def _orders(moves: Sequence[Move]) -> str:
    return "".join(f"{_order(move)}\n" for move in moves)


def _order(move: Move) -> str:
    if any(letter in move.ref for letter in " \n\0"):
        raise FailedError("bad_reference", f"{move.ref!r} is no reference.")
    if move.new:
        return f"update {move.ref} {move.new} {move.old}".rstrip()
    return f"delete {move.ref} {move.old}".rstrip()
