"""The three original trees of a merge: what stands where on each side, and what was renamed."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field

from carrel.domain.conflicts import Side
from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.objects import Entry


@dataclass(frozen=True, slots=True)
class Triple:
    """One path in the three trees; None where nothing, or a folder, stands there."""

    base: Entry | None
    parent: Entry | None
    child: Entry | None

    def of(self, side: Side) -> Entry | None:
        """Return one side's entry."""
        return self.child if side is Side.CHILD else self.parent

    def changed(self, side: Side) -> bool:
        """Whether a side differs from the base."""
        return self.of(side) != self.base


NOWHERE = Triple(None, None, None)


@dataclass(frozen=True, slots=True)
class Renames:
    """What one side renamed."""

    target: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    source: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything in which the sides differ from the base.

    Attributes:
        base: What both were compared with.
        triples: Every path that at least one side changed.
        renames: Per side.
        ordered: The paths, sorted, to find what lies below a folder.
    """

    base: str
    triples: Mapping[bytes, Triple]
    renames: Mapping[Side, Renames]
    ordered: tuple[bytes, ...]

    def at(self, path: bytes) -> Triple:
        """Return what stands at a path; nothing for a path that no side changed."""
        return self.triples.get(path, NOWHERE)

    def below(self, folder: bytes) -> Iterator[bytes]:
        """Give the changed paths inside a folder."""
        prefix = folder + b"/"
        for at in range(bisect_left(self.ordered, prefix), len(self.ordered)):
            if not self.ordered[at].startswith(prefix):
                return
            yield self.ordered[at]


def read_sides(git: Git, base: str, parent: str, child: str) -> Sides:
    """Compare both sides with the base.

    Args:
        git: The store.
        base: Tree or commit both grew from.
        parent: Tree or commit.
        child: Tree or commit.
    """
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(_changes, git, base, child)
        old, renamed_by_parent = _changes(git, base, parent)
        new, renamed_by_child = waiting.result()
    triples = {
        path: Triple(was, now, new[path][1] if path in new else was)
        for path, (was, now) in old.items()
    }
    for path, (was, now) in new.items():
        if path not in triples:
            triples[path] = Triple(was, was, now)
    renames = {Side.PARENT: renamed_by_parent, Side.CHILD: renamed_by_child}
    return Sides(base, triples, renames, tuple(sorted(triples)))


_Change = tuple[Entry | None, Entry | None]


def _changes(git: Git, base: str, side: str) -> tuple[dict[bytes, _Change], Renames]:
    # The same limits as git's own merge, which leaves empty files out of renames too.
    out = git.run(
        "diff-tree", "-r", "-z", "-M", "-l7000", "--no-rename-empty", "--raw", base, side
    ).out
    changes: dict[bytes, _Change] = {}
    renames = Renames()
    fields = iter(out.split(b"\0"))
    for about in fields:
        if not about:
            break
        old_mode, new_mode, old_oid, new_oid, status = about[1:].decode().split(" ")
        was, now = _entry(old_mode, old_oid), _entry(new_mode, new_oid)
        path = next(fields)
        if status.startswith("R"):
            target = next(fields)
            renames.target[path], renames.source[target] = target, path
            changes[path], changes[target] = (was, None), (None, now)
        else:
            changes[path] = (was, now)
    return changes, renames


def _entry(mode: str, oid: str) -> Entry | None:
    return None if mode == "000000" else Entry(int(mode, 8), oid)
