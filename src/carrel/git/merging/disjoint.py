"""Merge two commits of which each changed other things: no process, and git's own result.

Most merges are of this kind. The trees are walked as far as both sides changed them; where
only one side changed an entry, a file or a whole folder, that side's entry is the result.
Anything that both sides changed and that is not a folder on all three sides ends the attempt,
and git is asked.

That this is what git's merge gives, renames included, follows from what a rename on one side
can touch on the other: the old path, the new path, or a path added inside a folder that the
rename emptied. In each case both sides differ from the base at an entry that is not a folder
three times over.
"""

from dataclasses import dataclass

from carrel.errors import NotFoundError
from carrel.git.ancestry import only_base
from carrel.git.forest import FOLDER, Forest, Raw
from carrel.git.objects import Entry, PackWriter, Reader


@dataclass(frozen=True, slots=True)
class Disjoint:
    """A merge without anything to settle.

    Attributes:
        base: The one best common ancestor.
        tree: The result.
    """

    base: str
    tree: str


def merge_disjoint(reader: Reader, writer: PackWriter, parent: str, child: str) -> Disjoint | None:
    """Merge `child` into `parent`; None when git must be asked.

    Args:
        reader: Reads both commits.
        writer: Takes in the new trees; the caller flushes it.
        parent: Full object id of a commit.
        child: Full object id of a commit.
    """
    try:
        base = only_base(reader, parent, child)
    except NotFoundError:  # git names what is missing
        return None
    if base is None:
        return None
    trees = [reader.commit(one).tree for one in (base, parent, child)]
    if base == child:
        return Disjoint(base, trees[1])
    if base == parent:
        return Disjoint(base, trees[2])
    forest = Forest(reader, len(parent) // 2, writer)
    changes = _changes(forest, *trees)
    return None if changes is None else Disjoint(base, forest.edit(trees[1], changes))


def _changes(
    forest: Forest, base: str, parent: str, child: str
) -> dict[bytes, Entry | None] | None:
    """Return what the child changed; None when the parent changed the same."""
    changes: dict[bytes, Entry | None] = {}
    level = [(b"", (base, parent, child))]
    while level:
        forest.load(oid for _, trees in level for oid in trees)
        below: list[tuple[bytes, tuple[str, str, str]]] = []
        for prefix, trees in level:
            old, ours, theirs = (forest.entries(oid) for oid in trees)
            for name in {name for name, _ in old.items() ^ theirs.items()}:
                was, mine, new = old.get(name), ours.get(name), theirs.get(name)
                if mine == was:
                    changes[prefix + name] = _entry(new)
                elif was and mine and new and was[0] == mine[0] == new[0] == FOLDER:
                    below.append(
                        (prefix + name + b"/", (was[1].hex(), mine[1].hex(), new[1].hex()))
                    )
                else:
                    return None
        level = below
    return changes


def _entry(raw: Raw | None) -> Entry | None:
    return None if raw is None else Entry(int(raw[0], 8), raw[1].hex())
