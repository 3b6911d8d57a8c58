from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from carrel.git.merging.order import best_order


def _conflicted(
    order: tuple[str, ...], pairs: dict[tuple[str, str], int], against: dict[str, int]
) -> int:
    done: set[str] = set()
    count = 0
    for name in order:
        met = any(
            {first, second} - {name} <= done and name in (first, second) for first, second in pairs
        )
        count += name in against or met
        done.add(name)
    return count


NAMES = "abcdef"
PAIRS = [(a, b) for number, a in enumerate(NAMES) for b in NAMES[number + 1 :]]


@given(
    pairs=st.dictionaries(st.sampled_from(PAIRS), st.integers(1, 4)),
    against=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 4), max_size=2),
)
def test_no_other_order_has_fewer_conflicted_merges(
    pairs: dict[tuple[str, str], int], against: dict[str, int]
) -> None:
    steps = best_order(NAMES, pairs, against)
    found = tuple(step.name for step in steps)
    assert sorted(found) == list(NAMES)
    best = min(_conflicted(order, pairs, against) for order in permutations(NAMES))
    assert _conflicted(found, pairs, against) == best
    assert sum(step.conflicts > 0 for step in steps) == best
    assert sum(step.conflicts for step in steps) == sum(pairs.values()) + sum(against.values())


def test_who_clashes_with_all_comes_last_and_each_step_says_why() -> None:
    steps = best_order(["hub", "a", "b", "c"], {("hub", "a"): 1, ("hub", "b"): 2}, {"c": 1})
    assert [step.name for step in steps] == ["a", "b", "c", "hub"]
    assert [step.conflicts for step in steps] == [0, 0, 1, 3]
    assert steps[0].reason == "Clean as long as it comes before hub."
    assert steps[2].reason.startswith("Clashes with the target")
    assert steps[3].reason == "Clashes with a, b; this way round more merges are clean."


def test_a_large_tangle_is_ordered_too() -> None:
    names = [f"w{number:02}" for number in range(60)]
    pairs = {(one, other): 1 for one in names for other in names if one < other}
    steps = best_order(names, pairs, {})
    assert [step.conflicts for step in steps] == list(range(60))
