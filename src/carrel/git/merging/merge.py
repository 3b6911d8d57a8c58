"""Merge two commits of the vault: pure, no checkout, no reference moved.

What leaves no doubt is merged in this process, all else by git. What clashes is settled by the
rules, from the three original trees, so that no conflict marker and no name made up by git can
enter the result.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import field

from carrel.domain.conflicts import (
    Conflict,
    ConflictKind,
    Rules,
    Settlement,
    Side,
    Strategy,
    Version,
)
from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git.forest import Forest
from carrel.git.gateway import Git
from carrel.git.merging.contents import judge
from carrel.git.merging.disjoint import find_disjoint
from carrel.git.merging.groups import Group, find_groups
from carrel.git.merging.mergetree import Outcome, common_base, is_ancestor, merge_bases, merge_tree
from carrel.git.merging.resolve import Settled
from carrel.git.merging.settle import Case, settle
from carrel.git.merging.sides import Renames, Sides, read_sides
from carrel.git.objects import FILE, TREE, Entry, PackWriter, Reader
from carrel.git.throwaway import objects_folder
from carrel.git.trees import edit_tree, entries_at
from carrel.system import faults

_PATIENCE = 0.02
"""Seconds after which a merge by git counts as long; a clean one of some files takes 3 ms."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A finished merge, before anything is committed.

    Attributes:
        parent: Commit merged into.
        child: Commit merged.
        tree: The result, in the vault; None when conflicts are left.
        settlements: One per settled conflict.
        left: Conflicts that no rule settles.
        why_left: A sentence by path, for those of which more is known.
        keep: References to create (name to commit) so that no losing version goes.
        up_to_date: The parent contains the child already; the tree is the parent's.
        fast_forward: The child contains the parent; the tree is the child's.
    """

    parent: str
    child: str
    tree: str | None
    settlements: tuple[Settlement, ...] = ()
    left: tuple[Conflict, ...] = ()
    why_left: Mapping[str, str] = field(default_factory=dict[str, str])
    keep: Mapping[str, str] = field(default_factory=dict[str, str])
    up_to_date: bool = False
    fast_forward: bool = False

    @property
    def tree_id(self) -> str:
        """The result's tree, for callers that have handled conflicts already."""
        if self.tree is None:
            raise FailedError(
                "conflicts_left",
                f"Merging {self.child[:12]} into {self.parent[:12]} leaves conflicts.",
                cure="Choose a strategy that settles them, or settle them by hand.",
            )
        return self.tree


def merge(  # noqa: PLR0913 - what, how, and where to
    vault: Git,
    reader: Reader,
    parent: str,
    child: str,
    rules: Rules,
    *,
    merge_id: str,
    fresh: PackWriter | None = None,
) -> Merged:
    """Merge `child` into `parent`.

    Args:
        vault: The store that has both commits.
        reader: Reads objects of the vault.
        parent: Full object id of the target's commit.
        child: Full object id of the workspace's commit.
        rules: How conflicts are settled.
        merge_id: Names the references that keep losing versions.
        fresh: Takes the new objects instead of the vault. What git itself made of the merge
            is in the vault all the same.

    Raises:
        BadInputError: `unrelated_histories`, `merge_command_missing`.
        FailedError: `git_failed`, `merge_unreadable`, `program_missing`, `merge_check_failed`.
    """
    writer = PackWriter(objects_folder(vault), len(parent) // 2) if fresh is None else fresh
    work = _Work(vault, reader, writer, parent, child, rules, merge_id)
    merged = _by_ourselves(work) or _with_git(work)
    faults.point("merge.write")
    if fresh is None:
        writer.flush()
        faults.point("merge.written")
    return merged


@dataclass(frozen=True, slots=True)
class _Work:
    """What `merge` was asked for."""

    vault: Git
    reader: Reader
    writer: PackWriter
    parent: str
    child: str
    rules: Rules
    merge_id: str

    def case(self, sides: Sides) -> Case:
        """Return what settling needs."""
        return Case(
            self.vault, self.reader, self.writer, self.parent, self.child, sides, self.rules
        )


def _by_ourselves(work: _Work) -> Merged | None:
    """Merge in this process; None when git must be asked."""
    parent, child = work.parent, work.child
    forest = Forest(work.reader, len(parent) // 2, work.writer)
    easy = find_disjoint(work.reader, forest, parent, child)
    judged = None if easy is None else judge(work.reader, easy.clashes)
    if easy is None or judged is None:
        return None
    changes = dict(easy.changes)
    for path, data in judged.merged.items():
        mine = easy.clashes[path].parent
        changes[path] = Entry(mine.mode if mine else FILE, work.writer.blob(data))
    if judged.clashing:
        ordered = tuple(sorted(judged.clashing))
        triples = {path: easy.clashes[path] for path in ordered}
        sides = Sides(easy.base, triples, {side: Renames() for side in Side}, ordered)
        groups = [Group(path, ConflictKind.CONTENT, (path,)) for path in ordered]
        return _settled(work, sides, groups, easy.tree, changes)
    up_to_date = easy.base == child
    return Merged(
        parent=parent,
        child=child,
        tree=forest.edit(easy.tree, changes) if changes else easy.tree,
        up_to_date=up_to_date,
        fast_forward=easy.base == parent and not up_to_date,
    )


def _with_git(work: _Work) -> Merged:
    """Let git merge, and settle what it can't."""
    vault, parent, child = work.vault, work.parent, work.child
    outcome, sides = _by_git(vault, parent, child)
    if outcome.clean:
        return _clean(vault, work.reader, parent, child, outcome.tree)
    if sides is None:
        sides = read_sides(vault, common_base(vault, parent, child), parent, child)
    groups = find_groups(outcome, sides)
    if not groups:
        raise FailedError(
            "merge_unreadable",
            f"git found a conflict between {parent[:12]} and {child[:12]} but names no path.",
            cure="Merge by hand, and report what 'git merge-tree' prints for the two.",
        )
    return _settled(work, sides, groups, outcome.tree, {})


def _settled(
    work: _Work,
    sides: Sides,
    groups: Sequence[Group],
    tree: str,
    changes: Mapping[bytes, Entry | None],
) -> Merged:
    """Settle the groups by the rules; the result is a tree with changes, and what was settled."""
    settled, left = settle(work.case(sides), groups)
    result = None if left else _edited(work, tree, changes, settled)
    losing = [_losing(one, sides) for one in settled]
    settlements = tuple(map(_settlement, settled, losing, [work.merge_id] * len(settled)))
    losers = {side for one in losing for side, lost in one.items() if result and lost}
    tips = {Side.PARENT: work.parent, Side.CHILD: work.child}
    return Merged(
        parent=work.parent,
        child=work.child,
        tree=result,
        settlements=settlements,
        left=tuple(_conflict(one.group) for one in left),
        why_left={os.fsdecode(one.group.path): one.why for one in left if one.why},
        keep={kept_name(work.merge_id, side): tips[side] for side in sorted(losers)},
    )


def kept_name(merge_id: str, side: Side) -> str:
    """Return the reference that keeps the losing versions of one side."""
    return f"refs/carrel/lost/{merge_id}/{side}"


def _by_git(vault: Git, parent: str, child: str) -> tuple[Outcome, Sides | None]:
    """Let git merge. A merge that takes long will hardly be clean: read the sides meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(merge_tree, vault, parent, child)
        wait([waiting], timeout=_PATIENCE)
        sides = None
        if not waiting.done() and len(bases := merge_bases(vault, parent, child)) == 1:
            sides = read_sides(vault, bases[0], parent, child)
        return waiting.result(), sides


def _clean(vault: Git, reader: Reader, parent: str, child: str, tree: str) -> Merged:
    """Report a clean merge; ancestry is asked for only where the trees make it possible."""
    as_parent, as_child = (tree == reader.commit(tip).tree for tip in (parent, child))
    up_to_date = as_parent and is_ancestor(vault, child, parent)
    forward = as_child and not up_to_date and is_ancestor(vault, parent, child)
    return Merged(parent, child, tree, up_to_date=up_to_date, fast_forward=forward)


def _edited(
    work: _Work,
    tree: str,
    changes: Mapping[bytes, Entry | None],
    settled: Iterable[Settled],
) -> str:
    """Put changes and the settled entries into a tree, and check the latter."""
    chosen: dict[bytes, Entry | None] = {}
    for one in settled:
        chosen |= one.entries
    result = edit_tree(work.reader, work.writer, tree, {**changes, **chosen})
    found = entries_at(work.reader, work.writer, result, chosen)
    wrong = [path for path, entry in chosen.items() if not _stands(found[path], entry)]
    if wrong:
        raise FailedError(
            "merge_check_failed",
            f"The merge would leave {os.fsdecode(wrong[0])!r} as neither side has it.",
            cure="Nothing was changed. Settle this path by hand, and report the case.",
        )
    return result


def _stands(found: Entry | None, wanted: Entry | None) -> bool:
    """Whether the tree has what was wanted; a folder may stand where a file went."""
    return found == wanted or (wanted is None and found is not None and found.mode == TREE)


_Losing = Mapping[Side, tuple[Version, ...]]


def _settlement(one: Settled, losing: _Losing, merge_id: str) -> Settlement:
    keeper = next((side for side, versions in losing.items() if versions), None)
    return Settlement(
        path=os.fsdecode(one.group.path),
        kind=one.group.kind,
        strategy=one.strategy,
        winner=one.winner,
        winning=_versions(one.entries),
        losing=tuple(version for versions in losing.values() for version in versions),
        kept_ref="" if keeper is None else kept_name(merge_id, keeper),
        reason=one.reason,
    )


def _losing(one: Settled, sides: Sides) -> _Losing:
    """Return what each losing side made and the result does not have."""
    if one.winner is not None:
        losers: tuple[Side, ...] = (one.winner.other,)
    else:
        losers = (Side.CHILD, Side.PARENT) if one.strategy is Strategy.COMMAND else ()
    return {side: _versions(_lost(one, sides, side)) for side in losers}


def _lost(one: Settled, sides: Sides, loser: Side) -> dict[bytes, Entry | None]:
    return {
        path: sides.at(path).of(loser)
        for path in one.group.paths
        if sides.at(path).changed(loser)
        and one.entries.get(path) != sides.at(path).of(loser)
        and path not in one.safe
    }


def _versions(entries: Mapping[bytes, Entry | None]) -> tuple[Version, ...]:
    return tuple(
        Version(os.fsdecode(path), f"{entry.mode:06o}", entry.oid)
        for path, entry in sorted(entries.items())
        if entry is not None
    )


def _conflict(group: Group) -> Conflict:
    paths = group.paths or (group.path,)
    return Conflict(os.fsdecode(group.path), group.kind, tuple(map(os.fsdecode, paths)))
