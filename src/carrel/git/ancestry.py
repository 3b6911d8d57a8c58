"""Who descends from whom."""

import heapq

from carrel.git.objects import Reader
from carrel.git.storing.stores import Stores

_STEPS = 64
_ONE, _OTHER, _BELOW = 1, 2, 4
"""Marks of commits: reached from one side, from the other, and below a common ancestor."""


def is_ancestor(stores: Stores, old: str, new: str) -> bool:
    """Tell whether `new` is `old` or descends from it.

    A short way is found through the resident reader; for a long one git is asked.
    """
    reader = stores.vault_reader
    seen: set[str] = set()
    present = [new]
    for _ in range(_STEPS):
        if old in present:
            return True
        if not present:
            return False
        seen.update(present)
        parents = [parent for one in present for parent in reader.commit(one).parents]
        present = [parent for parent in dict.fromkeys(parents) if parent not in seen]
        if len(seen) > _STEPS:
            break
    done = stores.vault.run("merge-base", "--is-ancestor", old, new, ok=(0, 1))
    return done.code == 0


def only_base(reader: Reader, one: str, other: str) -> str | None:
    """Return the one best common ancestor of two commits.

    Returns:
        None when there is none, when there are several, or when they are not found in a few
        steps through the resident reader.
    """
    marks: dict[str, int] = {}
    waiting: list[tuple[int, str]] = []

    def mark(commit: str, flags: int) -> None:
        known = marks.get(commit, 0)
        if known | flags != known:
            marks[commit] = known | flags
            heapq.heappush(waiting, (-reader.commit(commit).time, commit))

    mark(one, _ONE)
    mark(other, _OTHER)
    found: dict[str, None] = {}
    # As git does it: newest first, until all that waits is below what was found.
    while any(not marks[commit] & _BELOW for _, commit in waiting):
        if len(marks) > _STEPS:
            return None
        commit = heapq.heappop(waiting)[1]
        flags = marks[commit]
        if flags & (_ONE | _OTHER | _BELOW) == _ONE | _OTHER:
            found[commit] = None
            flags |= _BELOW
        for parent in reader.commit(commit).parents:
            mark(parent, flags)
    best = [commit for commit in found if not marks[commit] & _BELOW]
    return best[0] if len(best) == 1 else None
