"""Three versions of a file: do they merge, and into what? Answered where no doubt is possible.

Git's answer hangs on how it lines up two versions. Here a version counts only if there is one
way to do that: one run of lines of the base was replaced, by lines that the base has nowhere,
and a line that stands in the base once holds what is before the run in its place, and another
what is after it. Git lines up rare lines first, so it finds the very same run. Two runs that
touch are a conflict for git, and two with a line between them are not. Everything else (several
runs, moved or repeated lines, binary or large files) is left to git.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.git.merging.sides import Triple
from carrel.git.objects import Reader

_LARGE = 1_000_000
_AT_ONCE = 64
_TRIES = 50


@dataclass(slots=True)
class Judged:
    """What becomes of files that both sides changed.

    Attributes:
        merged: The bytes of those that merge, by path.
        clashing: Paths of those that do not.
    """

    merged: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    clashing: list[bytes] = field(default_factory=list[bytes])


@dataclass(frozen=True, slots=True)
class Run:
    """Lines `start` to `end` (not included) of the base, and what replaced them."""

    start: int
    end: int
    lines: Sequence[bytes]


def judge(reader: Reader, triples: Mapping[bytes, Triple]) -> Judged | None:
    """Tell which files merge; None when git must be asked for any of them.

    Args:
        reader: Reads the versions.
        triples: By path, three different versions each, all of them files.
    """
    judged = Judged()
    oids = [
        one.oid
        for triple in triples.values()
        for one in (triple.base, triple.parent, triple.child)
        if one
    ]
    paths = list(triples)
    for at in range(0, len(paths), _AT_ONCE):
        some = paths[at : at + _AT_ONCE]
        versions = reader.read_small(oids[3 * at : 3 * (at + _AT_ONCE)], _LARGE)
        if versions is None or not _judge(some, versions, judged):
            return None
    return judged


def _judge(paths: Sequence[bytes], versions: Sequence[bytes], judged: Judged) -> bool:
    """Judge some files; False when one of them is for git."""
    for path, base, parent, child in zip(
        paths, versions[::3], versions[1::3], versions[2::3], strict=True
    ):
        runs = runs_of(base, parent, child)
        if runs is None:
            return False
        first, second = sorted(runs, key=lambda run: (run.start, run.end))
        if first.end < second.start:
            judged.merged[path] = joined(base, first, second)
        else:
            judged.clashing.append(path)
    return True


def runs_of(base: bytes, parent: bytes, child: bytes) -> tuple[Run, Run] | None:
    """Return what each side replaced, or None where that can't be told for certain."""
    if any(b"\0" in data for data in (base, parent, child)):
        return None
    lines = _lines(base)
    known = frozenset(lines)
    one, other = (_run(lines, known, _lines(side)) for side in (parent, child))
    return None if one is None or other is None else (one, other)


def joined(base: bytes, first: Run, second: Run) -> bytes:
    """Return the base with two runs replaced, of which the first ends above the second."""
    lines = _lines(base)
    between = lines[first.end : second.start]
    whole = [*lines[: first.start], *first.lines, *between, *second.lines, *lines[second.end :]]
    return b"".join(whole)


def _run(base: list[bytes], known: frozenset[bytes], side: list[bytes]) -> Run | None:
    room = min(len(base), len(side))
    start = _equal(room, lambda count: base[:count] == side[:count])
    after = _equal(
        room - start, lambda count: base[len(base) - count :] == side[len(side) - count :]
    )
    end = len(base) - after
    new = side[start : len(side) - after]
    certain = (
        known.isdisjoint(new)
        and _anchored(base, base[:start])
        and _anchored(base, base[end:])
        and not _slides(base, start, end)
    )
    return Run(start, end, new) if certain else None


def _equal(most: int, holds: Callable[[int], bool]) -> int:
    """Return the largest count up to `most` for which something holds, as it does below it."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if holds(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _anchored(base: list[bytes], lines: Sequence[bytes]) -> bool:
    return not lines or any(base.count(line) == 1 for line in lines[:_TRIES])


def _slides(base: Sequence[bytes], start: int, end: int) -> bool:
    """Tell whether taking away other lines, a little above or below, would give the same."""
    if start == end:
        return False
    up = start > 0 and base[start - 1] == base[end - 1]
    return up or (end < len(base) and base[start] == base[end])


def _lines(data: bytes) -> list[bytes]:
    """Split after each line feed, and nowhere else; a last line without one is another line."""
    if b"\r" not in data:
        return data.splitlines(keepends=True)
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
