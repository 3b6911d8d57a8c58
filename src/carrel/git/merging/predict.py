"""Foresee conflicts: which pairs would clash, which clash with the target, what order is best.

Nothing is written into the store, and only pairs whose changed paths meet are merged.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from carrel.domain.conflicts import Conflict, ConflictKind
from carrel.domain.records import dataclass
from carrel.git.gateway import Git
from carrel.git.merging import groups
from carrel.git.merging.mergetree import Outcome, merge_trees
from carrel.git.merging.order import Step, best_order
from carrel.git.merging.touched import Touched, meet, read_touched
from carrel.git.throwaway import throwaway_objects

_KINDS = (
    (groups.FILE_DIRECTORY, ConflictKind.FILE_DIRECTORY),
    (groups.DISTINCT_TYPES, ConflictKind.TYPE),
    (groups.RENAME_RENAME, ConflictKind.RENAME_RENAME_1TO2),
    (groups.RENAME_DELETE, ConflictKind.RENAME_DELETE),
    (groups.SUGGESTED, ConflictKind.DIRECTORY_RENAME),
    (groups.IN_THE_WAY, ConflictKind.DIRECTORY_RENAME),
    (groups.COLLISION, ConflictKind.DIRECTORY_RENAME),
    (groups.SPLIT, ConflictKind.DIRECTORY_RENAME),
    (groups.MODIFY_DELETE, ConflictKind.MODIFY_DELETE),
    (groups.BINARY, ConflictKind.BINARY),
)
_PARALLEL = 2
_WORTH_IT = 8
"""From so many merges on, a second process pays."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two names (workspaces, or a workspace and the target) whose merge would conflict."""

    first: str
    second: str
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What merging would meet.

    Attributes:
        target: Name of the target.
        order: All names, in the order with the fewest conflicted merges.
        pairs: Workspaces that clash with each other.
        against_target: Workspaces that clash with the target as it is; `second` is its name.
        steps: The same order, each step with what it would meet and why it stands there.
        unrelated: Names that share no history with the target and can't be merged at all;
            they come last in the order.
    """

    target: str
    order: tuple[str, ...]
    pairs: tuple[Clash, ...]
    against_target: tuple[Clash, ...]
    steps: tuple[Step, ...] = ()
    unrelated: tuple[str, ...] = ()


def predict(
    vault: Git, tips: Sequence[tuple[str, str]], tip: str, *, target: str = "target"
) -> Prediction:
    """Foresee the conflicts of merging some tips into a target, in any order.

    Kinds are those that git's messages tell; a rename that ends where the other side added a
    file is seen as `add/add`.

    Args:
        vault: The store that has all commits.
        tips: (name, full object id) of each workspace; names are unique.
        tip: Full object id of the target's commit.
        target: Name of the target.

    Raises:
        FailedError: `git_failed`, `merge_unreadable`.
    """
    touched = read_touched(vault, dict(tips), tip)
    names = [name for name, _ in tips if name in touched]
    commits = dict(tips)
    pairs = [
        (first, second)
        for number, first in enumerate(names)
        for second in names[number + 1 :]
        if commits[first] != commits[second] and meet(touched[first], touched[second])
    ]
    asked = [(tip, commits[name]) for name in names]
    asked += [(commits[first], commits[second]) for first, second in pairs]
    with throwaway_objects(vault) as scratch:
        outcomes = _merge_all(scratch, asked)
    against = [
        Clash(name, target, _conflicts(outcome))
        for name, outcome in zip(names, outcomes, strict=False)
        if not outcome.clean
    ]
    clashing = _between(pairs, outcomes[len(names) :], touched, against)
    steps = best_order(
        names,
        {(one.first, one.second): len(one.conflicts) for one in clashing},
        {one.first: len(one.conflicts) for one in against},
    )
    unrelated = tuple(name for name, _ in tips if name not in touched)
    return Prediction(
        target=target,
        order=(*(step.name for step in steps), *unrelated),
        pairs=tuple(clashing),
        against_target=tuple(against),
        steps=steps,
        unrelated=unrelated,
    )


def _between(
    pairs: Sequence[tuple[str, str]],
    outcomes: Sequence[Outcome],
    touched: Mapping[str, Touched],
    against: Sequence[Clash],
) -> list[Clash]:
    """Keep the conflicts that two workspaces have with each other.

    Where one started at an older commit, their merge also meets what the target changed
    meanwhile; that is told where the target is looked at.
    """
    targets = {clash.first: {one.path for one in clash.conflicts} for clash in against}
    clashes: list[Clash] = []
    for (first, second), outcome in zip(pairs, outcomes, strict=True):
        known = targets.get(first, set()) | targets.get(second, set())
        both = tuple(
            one
            for one in _conflicts(outcome)
            if one.path not in known
            or all(touched[name].concerns(one.paths) for name in (first, second))
        )
        if both:
            clashes.append(Clash(first, second, both))
    return clashes


def _merge_all(scratch: Git, asked: Sequence[tuple[str, str]]) -> list[Outcome]:
    if len(asked) < _WORTH_IT:
        return merge_trees(scratch, asked)
    size = -(-len(asked) // _PARALLEL)
    parts = [asked[at : at + size] for at in range(0, len(asked), size)]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        answers = pool.map(merge_trees, [scratch] * len(parts), parts)
        return [outcome for part in answers for outcome in part]


def _conflicts(outcome: Outcome) -> tuple[Conflict, ...]:
    """Read conflicts off git's messages, one for each path that is named first."""
    if outcome.clean:
        return ()
    said: dict[bytes, dict[str, tuple[bytes, ...]]] = {}
    real = groups.aliases(outcome)
    for message in outcome.messages:
        if message.conflict:
            paths = tuple(dict.fromkeys(real.get(path, path) for path in message.paths))
            said.setdefault(paths[0], {})[message.kind] = paths
    stages: dict[bytes, set[int]] = {}
    for stage in outcome.stages:
        stages.setdefault(real.get(stage.path, stage.path), set()).add(stage.stage)
    # Of one rename to two names git leaves stages at all three paths: that is one conflict.
    named = {path for kinds in said.values() for paths in kinds.values() for path in paths}
    for path in stages.keys() - named:
        said.setdefault(path, {})
    return tuple(
        Conflict(
            os.fsdecode(path),
            _kind(kinds, stages.get(path, set())),
            tuple(sorted({os.fsdecode(one) for paths in kinds.values() for one in paths}))
            or (os.fsdecode(path),),
        )
        for path, kinds in sorted(said.items())
    )


def _kind(said: Mapping[str, tuple[bytes, ...]], stages: set[int]) -> ConflictKind:
    for name, kind in _KINDS:
        if name in said:
            return kind
    if any("submodule" in name for name in said):
        return ConflictKind.SUBMODULE
    return ConflictKind.CONTENT if 1 in stages or not stages else ConflictKind.ADD_ADD
