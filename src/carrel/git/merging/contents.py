"""Three versions of a file: do they merge, and into what? Answered where no doubt is possible.

Git's answer hangs on how it lines up two versions. Here a version counts only if there is one
way to do that: one run of lines of the base was replaced, by lines that the base has nowhere,
and a line that stands in the base once holds what is before the run in its place, and another
what is after it. Git lines up rare lines first, so it finds the very same run. Two runs that
touch are a conflict for git, and two with a line between them are not. Everything else (several
runs, moved or repeated lines, binary or large files) is left to git.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from carrel.git.merging.sides import Triple
from carrel.git.objects import Reader

_LARGE = 1_000_000
_MUCH = 64_000_000


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
    if not triples:
        return judged
    oids = [
        one.oid
        for triple in triples.values()
        for one in (triple.base, triple.parent, triple.child)
        if one
    ]
    sizes = [info.size if info else _LARGE for info in reader.infos(oids)]
    if max(sizes) >= _LARGE or sum(sizes) >= _MUCH:
        return None
    versions = [data for _, data in reader.read_many(oids)]
    for path, base, parent, child in zip(
        triples, versions[::3], versions[1::3], versions[2::3], strict=True
    ):
        runs = runs_of(base, parent, child)
        if runs is None:
            return None
        first, second = sorted(runs, key=lambda run: (run.start, run.end))
        if first.end < second.start:
            judged.merged[path] = joined(base, first, second)
        else:
            judged.clashing.append(path)
    return judged


def runs_of(base: bytes, parent: bytes, child: bytes) -> tuple[Run, Run] | None:
    """Return what each side replaced, or None where that can't be told for certain."""
    if any(b"\0" in data for data in (base, parent, child)):
        return None
    lines = _lines(base)
    counts = Counter(lines)
    one, other = (_run(lines, counts, _lines(side)) for side in (parent, child))
    return None if one is None or other is None else (one, other)


def joined(base: bytes, first: Run, second: Run) -> bytes:
    """Return the base with two runs replaced, of which the first ends above the second."""
    lines = _lines(base)
    between = lines[first.end : second.start]
    whole = [*lines[: first.start], *first.lines, *between, *second.lines, *lines[second.end :]]
    return b"".join(whole)


def _run(base: list[bytes], counts: Counter[bytes], side: list[bytes]) -> Run | None:
    room = min(len(base), len(side))
    start = next((at for at in range(room) if base[at] != side[at]), room)
    room -= start
    after = next((at for at in range(room) if base[-1 - at] != side[-1 - at]), room)
    end = len(base) - after
    new = side[start : len(side) - after]
    certain = (
        counts.keys().isdisjoint(new)
        and _anchored(counts, base[:start])
        and _anchored(counts, base[end:])
        and not _slides(base, start, end)
    )
    return Run(start, end, new) if certain else None


def _anchored(counts: Counter[bytes], lines: Sequence[bytes]) -> bool:
    return not lines or any(counts[line] == 1 for line in lines)


def _slides(base: Sequence[bytes], start: int, end: int) -> bool:
    """Tell whether taking away other lines, a little above or below, would give the same."""
    if start == end:
        return False
    up = start > 0 and base[start - 1] == base[end - 1]
    return up or (end < len(base) and base[start] == base[end])


def _lines(data: bytes) -> list[bytes]:
    """Split after each line feed, and nowhere else; a last line without one is another line."""
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
