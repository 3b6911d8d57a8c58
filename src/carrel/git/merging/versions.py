"""Line up the versions of each file in a conflict group, following its renames."""

from dataclasses import field

from carrel.domain.conflicts import ConflictKind, Side
from carrel.domain.records import dataclass
from carrel.git.merging.groups import Group
from carrel.git.merging.sides import Sides, Triple
from carrel.git.objects import Entry


@dataclass(frozen=True, slots=True)
class LinedUp:
    """A group, as far as it settles by itself, and the files that need a decision.

    Attributes:
        entries: Entry by path, None for nothing. Where a decision is open, what keeps most:
            the one version there is, or the child's.
        clashes: Files with two versions, at the path where the result belongs.
        halves: Files that one side changed or renamed and the other deleted.
    """

    entries: dict[bytes, Entry | None] = field(default_factory=dict[bytes, "Entry | None"])
    clashes: dict[bytes, Triple] = field(default_factory=dict[bytes, Triple])
    halves: dict[bytes, Triple] = field(default_factory=dict[bytes, Triple])

    def possible(self) -> bool:
        """Whether no path is a file and a folder at once."""
        put = {path for path, entry in self.entries.items() if entry is not None}
        return not any(
            path[:at] in put for path in put for at in range(len(path)) if path[at : at + 1] == b"/"
        )


def line_up(group: Group, sides: Sides) -> LinedUp:
    """Merge the entries of a group as a person would by hand, without looking into files."""
    lined = LinedUp(dict.fromkeys(group.invented))
    renamed: set[bytes] = set()
    for path in group.paths:
        side = _renamer(path, sides)
        source = None if side is None else sides.renames[side].source[path]
        if side is None or source is None:
            continue
        renamed |= {path, source}
        was, here, there = sides.at(source), sides.at(path), sides.at(source).of(side.other)
        both = here.of(side.other)
        other = both if both is not None else there
        triple = _triple(was.base, here.of(side), other, side)
        lined.entries.setdefault(source, None)
        _place(path, triple, lined, deleted=other is None)
    for path in group.paths:
        if path not in renamed:
            _place(path, sides.at(path), lined, deleted=False)
    return lined


def both_names(group: Group, sides: Sides) -> tuple[bytes, bytes, bytes] | None:
    """Return source, parent's and child's name of a file that each side renamed differently."""
    if group.kind is not ConflictKind.RENAME_RENAME_1TO2:
        return None
    by_parent, by_child = (sides.renames[side].target for side in (Side.PARENT, Side.CHILD))
    for path in (group.path, *group.paths):
        parent, child = by_parent.get(path), by_child.get(path)
        if parent is not None and child is not None and parent != child:
            return path, parent, child
    return None


def _renamer(path: bytes, sides: Sides) -> Side | None:
    """Return who renamed a file to `path`, if its versions can follow that rename.

    They can where the other side has nothing else at the new name and did not rename the file
    elsewhere, and where both sides renamed the same file to the same name.
    """
    for side in (Side.PARENT, Side.CHILD):
        source = sides.renames[side].source.get(path)
        if source is None:
            continue
        others = sides.renames[side.other].target.get(source)
        if others == path or (others is None and sides.at(path).of(side.other) is None):
            return side
    return None


def _triple(base: Entry | None, one: Entry | None, other: Entry | None, side: Side) -> Triple:
    return Triple(base, one, other) if side is Side.PARENT else Triple(base, other, one)


def _place(path: bytes, triple: Triple, lined: LinedUp, *, deleted: bool) -> None:
    base, parent, child = triple.base, triple.parent, triple.child
    if parent == child or (parent == base and not deleted):
        lined.entries[path] = child
    elif child == base and not deleted:
        lined.entries[path] = parent
    elif parent is None or child is None:
        lined.entries[path] = child if parent is None else parent
        lined.halves[path] = triple
    else:
        lined.entries[path] = child
        lined.clashes[path] = triple
