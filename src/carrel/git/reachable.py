"""What two commits have in common, and what only one of them has: found without a process."""

import heapq
from collections.abc import Callable

from carrel.git.objects import Commit, Reader

_STEPS = 64
_ONE, _OTHER, _BELOW = 1, 2, 4
"""Marks of commits: reached from one side, from the other, and below a common ancestor."""


def only_base(reader: Reader, one: str, other: str) -> str | None:
    """Return the one best common ancestor of two commits.

    Returns:
        None when there is none, when there are several, or when they are not found in a few
        steps through the resident reader.
    """
    painted = _paint(reader.commit, one, other)
    if painted is None:
        return None
    marks, found = painted
    best = [commit for commit in found if not marks[commit] & _BELOW]
    return best[0] if len(best) == 1 else None


def only_in(read: Callable[[str], Commit], one: str, other: str) -> list[str] | None:
    """Return the commits that one commit contains (itself too) and another does not.

    Where clocks went backwards, some that the other contains may be among them.

    Args:
        read: Gives the facts of a commit.
        one: Full object id.
        other: Full object id.

    Returns:
        None when this takes more than a few steps.
    """
    painted = _paint(read, one, other)
    if painted is None:
        return None
    return [commit for commit, flags in painted[0].items() if flags == _ONE]


def _paint(
    read: Callable[[str], Commit], one: str, other: str
) -> tuple[dict[str, int], list[str]] | None:
    """Mark what each side reaches; return the marks and the common ancestors that were met."""
    marks: dict[str, int] = {}
    waiting: list[tuple[int, str]] = []

    def mark(commit: str, flags: int) -> None:
        known = marks.get(commit, 0)
        if known | flags != known:
            marks[commit] = known | flags
            heapq.heappush(waiting, (-read(commit).time, commit))

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
        for parent in read(commit).parents:
            mark(parent, flags)
    return marks, list(found)
