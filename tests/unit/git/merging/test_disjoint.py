"""The merge without git: it gives git's own result, or nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conflict_words import Tree
from tests.contract.merge_vault import OLD, Vault
from tests.unit.git.merging.test_merge_laws import _commits, _three

from carrel.git.forest import Forest
from carrel.git.merging.disjoint import find_disjoint
from carrel.git.merging.mergetree import merge_bases, merge_tree
from carrel.git.objects import PackWriter
from carrel.git.reachable import only_base


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(tmp_path_factory.mktemp("disjoint") / "vault.git")


def _merged(vault: Vault, parent: str, child: str) -> str | None:
    writer = PackWriter(f"{vault.git.git_dir}/objects")
    forest = Forest(vault.reader, 20, writer)
    found = find_disjoint(vault.reader, forest, parent, child)
    if found is None or found.clashes:
        return None
    tree = forest.edit(found.tree, found.changes)
    writer.flush()
    return tree


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(three=_three())
def test_it_gives_git_s_own_tree_or_none(vault: Vault, three: tuple[Tree, Tree, Tree]) -> None:
    _, parent, child = _commits(vault, three)
    tree = _merged(vault, parent, child)
    by_git = merge_tree(vault.git, parent, child)
    vault.reader.close()
    if tree is not None:
        assert (by_git.clean, by_git.tree) == (True, tree)


BASE: Tree = {"a": "a\n", "d/x": "x\n", "d/y": "y\n", "d/e/z": "z\n"}


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ({**BASE, "d/x": "new\n"}, {**BASE, "d/y": "new\n"}),
        ({**BASE, "d/x": "new\n"}, {**BASE, "n/w": "new\n"}),
        ({**BASE, "d/n": "new\n"}, {**BASE, "d/e/n": "new\n"}),
        ({**BASE, "b": "new\n"}, {"d/x": "x\n", "d/y": "y\n", "d/e/z": "z\n"}),
        ({"a": "a\n", "d/e/z": "z\n"}, {"a": "new\n", "d/x": "x\n", "d/y": "y\n", "d/e/z": "z\n"}),
        ({**BASE, "a": ("x", "a\n")}, {"a": "a\n", "e/x": "x\n", "e/y": "y\n", "e/e/z": "z\n"}),
        ({**BASE, "a": "new\n"}, {"a": "a\n", "d": "a file\n"}),
        ({**BASE, "a": "one\n"}, {**BASE, "a": "one\n", "d/x": "two\n"}),
    ],
)
def test_it_needs_no_git_where_the_sides_changed_other_things(
    vault: Vault, parent: Tree, child: Tree
) -> None:
    _, ours, theirs = _commits(vault, (BASE, parent, child))
    assert _merged(vault, ours, theirs) == merge_tree(vault.git, ours, theirs).tree


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ({**BASE, "a": "one\n"}, {**BASE, "a": "two\n"}),
        ({**BASE, "d/n": "new\n"}, {"a": "a\n", "e/x": "x\n", "e/y": "y\n", "e/e/z": "z\n"}),
        ({**BASE, "d/x": "new\n"}, {"a": "a\n", "f": "x\n", "d/y": "y\n", "d/e/z": "z\n"}),
        ({**BASE, "n": "file\n"}, {**BASE, "n/x": "below\n"}),
        ({**BASE, "d/x": "new\n"}, {"a": "a\n", "d": "a file\n"}),
    ],
)
def test_it_leaves_to_git_what_both_sides_changed(vault: Vault, parent: Tree, child: Tree) -> None:
    _, ours, theirs = _commits(vault, (BASE, parent, child))
    assert _merged(vault, ours, theirs) is None


def test_ancestors_and_descendants(vault: Vault) -> None:
    old = vault.commit(BASE)
    new = vault.commit({**BASE, "a": "new\n"}, old, time=OLD + 1)
    vault.writer.flush()
    assert _merged(vault, new, old) == vault.reader.commit(new).tree
    assert _merged(vault, old, new) == vault.reader.commit(new).tree


def test_a_long_way_and_a_commit_that_is_not_there_are_left_to_git(vault: Vault) -> None:
    base = tip = vault.commit(BASE)
    for number in range(100):
        tip = vault.commit(BASE, tip, time=OLD + number)
    other = vault.commit({**BASE, "a": "new\n"}, base, time=OLD + 200)
    vault.writer.flush()
    assert only_base(vault.reader, tip, other) is None
    assert _merged(vault, tip, other) is None
    assert _merged(vault, tip, "1" * 40) is None


# A commit a row: how many rows above its parents stand, and its time.
PARENTS = st.lists(st.integers(1, 4), max_size=2, unique=True)
HISTORY = st.lists(st.tuples(PARENTS, st.integers(0, 6)), min_size=2, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORY)
def test_the_only_base_is_git_s_even_where_clocks_go_wrong(
    vault: Vault, history: list[tuple[list[int], int]]
) -> None:
    made: list[str] = []
    for number, (above, time) in enumerate(history):
        parents = [made[number - up] for up in above if up <= number]
        made.append(vault.commit({"n": f"{number}\n"}, *parents, time=OLD + time))
    vault.writer.flush()
    for one in made[-4:]:
        bases = merge_bases(vault.git, one, made[-1])
        found = only_base(vault.reader, one, made[-1])
        assert found == (bases[0] if len(bases) == 1 else None) or (found is None and bases)
    vault.reader.close()
