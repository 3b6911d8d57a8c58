"""The order of merges in which the fewest of them conflict."""

from collections.abc import Mapping, Sequence

from carrel.domain.records import dataclass

_EXACT = 24
"""Groups of up to this many workspaces that clash among each other are searched completely."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One merge of the order.

    Attributes:
        name: What is merged.
        conflicts: How many conflicts it is expected to meet at its place.
        reason: One sentence: why it stands there.
    """

    name: str
    conflicts: int
    reason: str


def best_order(
    names: Sequence[str],
    pairs: Mapping[tuple[str, str], int],
    against: Mapping[str, int],
) -> tuple[Step, ...]:
    """Return the order in which as many merges as possible are clean.

    Two workspaces that clash do so in either order: the sum of all conflicts is the same in
    each. What an order decides is how many *merges* meet one: those that clash neither with
    the target nor with each other go first, as many as there can be; the others follow, the
    least entangled first.

    Args:
        names: What is to be merged.
        pairs: Conflicts between two of them.
        against: Conflicts with the target.
    """
    clashes: dict[str, dict[str, int]] = {name: {} for name in names}
    for (one, other), count in pairs.items():
        clashes[one][other] = clashes[other][one] = count
    free = {name for name in names if name not in against}
    clean = _independent({name: clashes[name].keys() & free for name in names if name in free})
    place = {name: number for number, name in enumerate(names)}
    first = sorted(clean, key=lambda name: (bool(clashes[name]), place[name]))
    rest = sorted(
        (name for name in names if name not in clean),
        key=lambda name: (against.get(name, 0) + sum(clashes[name].values()), place[name]),
    )
    steps: list[Step] = []
    merged: set[str] = set()
    for name in (*first, *rest):
        met = sorted(clashes[name].keys() & merged, key=place.__getitem__)
        count = against.get(name, 0) + sum(clashes[name][other] for other in met)
        steps.append(Step(name, count, _reason(met, clashes[name], against.get(name, 0))))
        merged.add(name)
    return tuple(steps)


def _reason(met: Sequence[str], clashes: Mapping[str, int], against: int) -> str:
    if against:
        return "Clashes with the target as it is, so it waits for those that are clean."
    if met:
        return f"Clashes with {_listed(met)}; this way round more merges are clean."
    if clashes:
        return f"Clean as long as it comes before {_listed(sorted(clashes))}."
    return "Clashes with nothing."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _independent(clashes: Mapping[str, set[str]]) -> set[str]:
    """Choose as many names as possible of which no two clash."""
    chosen: set[str] = set()
    left = set(clashes)
    while left:
        group = _connected(min(left), clashes)
        left -= group
        within = {name: clashes[name] & group for name in sorted(group)}
        chosen |= _largest(within, group) if len(group) <= _EXACT else _greedy(within)
    return chosen


def _connected(start: str, clashes: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = clashes[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def _largest(clashes: Mapping[str, set[str]], among: set[str]) -> set[str]:
    """Search completely: a name of at most one clash is taken, else tried with and without."""
    if not among:
        return set()
    easy = min(sorted(among), key=lambda name: len(clashes[name] & among))
    if len(clashes[easy] & among) <= 1:
        return {easy} | _largest(clashes, among - clashes[easy] - {easy})
    hard = max(sorted(among), key=lambda name: len(clashes[name] & among))
    taken = {hard} | _largest(clashes, among - clashes[hard] - {hard})
    return max(taken, _largest(clashes, among - {hard}), key=len)


def _greedy(clashes: Mapping[str, set[str]]) -> set[str]:
    """Take the least entangled again and again."""
    chosen: set[str] = set()
    left = set(clashes)
    while left:
        name = min(sorted(left), key=lambda one: len(clashes[one] & left))
        chosen.add(name)
        left -= clashes[name] | {name}
    return chosen
