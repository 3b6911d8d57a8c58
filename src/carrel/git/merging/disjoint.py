"""Compare two commits of which each changed other files: what git would merge without a look.

Most merges are of this kind. The trees are walked as far as both sides changed them; where
only one side changed an entry, a file or a whole folder, that side's entry is the result.
Where both gave a file another content, and all else about it is as it was, the three versions
are named for others to judge. Anything else that both sides changed, and that is not a folder
on all three sides, ends the attempt, and git is asked.

That this is what git's merge gives, renames included, follows from what a rename on one side
can touch on the other: the old path, the new path, or a path added inside a folder that the
rename emptied. In each case both sides differ from the base at an entry that is not three
folders and not three files.
"""

from collections.abc import Mapping
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.errors import NotFoundError
from carrel.git.forest import FOLDER, Forest, Raw
from carrel.git.merging.sides import Triple
from carrel.git.objects import Entry, Reader
from carrel.git.reachable import only_base

_FILES = frozenset({b"100644", b"100755"})
_MOST = 5000


@dataclass(frozen=True, slots=True)
class Disjoint:
    """A merge, but for what both sides did to the same files.

    Attributes:
        base: The one best common ancestor.
        tree: The result is this tree, with `changes`.
        changes: Entry by path, None for nothing.
        clashes: Files that each side changed in its own way; `tree` has the parent's version.
    """

    base: str
    tree: str
    changes: Mapping[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    clashes: Mapping[bytes, Triple] = field(default_factory=dict[bytes, Triple])


def find_disjoint(reader: Reader, forest: Forest, parent: str, child: str) -> Disjoint | None:
    """Compare `child` with `parent`; None when git must be asked.

    Args:
        reader: Reads both commits.
        forest: Reads their trees.
        parent: Full object id of a commit.
        child: Full object id of a commit.
    """
    try:
        base = only_base(reader, parent, child)
    except NotFoundError:  # git names what is missing
        return None
    if base is None:
        return None
    old, ours, theirs = (reader.commit(one).tree for one in (base, parent, child))
    if base == child:
        return Disjoint(base, ours)
    if base == parent:
        return Disjoint(base, theirs)
    walk = _Walk(forest)
    if not walk.whole(old, ours, theirs):
        return None
    return Disjoint(base, ours, walk.changes, walk.clashes)


@dataclass(slots=True)
class _Walk:
    forest: Forest
    changes: dict[bytes, Entry | None] = field(default_factory=dict[bytes, Entry | None])
    clashes: dict[bytes, Triple] = field(default_factory=dict[bytes, Triple])
    below: list[tuple[bytes, tuple[str, str, str]]] = field(
        default_factory=list[tuple[bytes, tuple[str, str, str]]]
    )

    def whole(self, old_root: str, our_root: str, their_root: str) -> bool:
        """Walk three trees; False when something of them is for git to say."""
        level = [(b"", (old_root, our_root, their_root))]
        while level:
            self.forest.load(oid for _, three in level for oid in three)
            self.below = []
            for prefix, three in level:
                old, ours, theirs = (self.forest.entries(oid) for oid in three)
                for name in {name for name, _ in old.items() ^ theirs.items()}:
                    raws = old.get(name), ours.get(name), theirs.get(name)
                    if not self._take(prefix + name, *raws):
                        return False
            level = self.below
        return len(self.clashes) <= _MOST

    def _take(self, path: bytes, was: Raw | None, mine: Raw | None, new: Raw | None) -> bool:
        """Take in an entry that the child changed; False when git must be asked."""
        if mine == was:
            self.changes[path] = _entry(new)
            return True
        if was is None or mine is None or new is None or not was[0] == mine[0] == new[0]:
            return False
        if was[0] == FOLDER:
            self.below.append((path + b"/", (was[1].hex(), mine[1].hex(), new[1].hex())))
        elif was[0] not in _FILES:
            return False
        elif mine != new:
            self.clashes[path] = Triple(_entry(was), _entry(mine), _entry(new))
        return True


def _entry(raw: Raw | None) -> Entry | None:
    return None if raw is None else Entry(int(raw[0], 8), raw[1].hex())
