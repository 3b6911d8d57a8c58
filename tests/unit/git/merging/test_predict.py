import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.conflict_cases import CASES
from tests.contract.conflict_words import KEEP, Case, lines
from tests.contract.merge_vault import Vault

from carrel.domain.conflicts import Conflict, ConflictKind
from carrel.git.merging.predict import Clash, predict

A = lines("a")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    one = Vault(tmp_path / "vault.git")
    yield one
    one.reader.close()


def _objects(vault: Vault) -> list[str]:
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(vault.git.git_dir)
        for name in names
    )


def test_pairs_target_and_order(vault: Vault) -> None:
    start = vault.commit({"f": A, "g": A, "h": A})
    target = vault.commit({"f": A, "g": A, "h": lines("a", _1="target")}, start)
    tips = [
        ("both", vault.commit({"f": lines("a", _1="x"), "g": lines("a", _1="x"), "h": A}, start)),
        ("one", vault.commit({"f": lines("a", _1="y"), "g": A, "h": A}, start)),
        ("two", vault.commit({"f": A, "h": A}, start)),
        ("late", vault.commit({"f": A, "g": A, "h": lines("a", _1="z")}, start)),
        ("calm", vault.commit({"f": A, "g": A, "h": A, "new": "1"}, start)),
    ]
    vault.writer.flush()
    before = _objects(vault)
    found = predict(vault.git, tips, target, target="main")
    assert _objects(vault) == before
    assert found.pairs == (
        Clash("both", "one", (Conflict("f", ConflictKind.CONTENT, ("f",)),)),
        Clash("both", "two", (Conflict("g", ConflictKind.MODIFY_DELETE, ("g",)),)),
    )
    assert found.against_target == (
        Clash("late", "main", (Conflict("h", ConflictKind.CONTENT, ("h",)),)),
    )
    assert found.order == ("calm", "one", "two", "late", "both")
    assert [step.conflicts for step in found.steps] == [0, 0, 0, 1, 2]


def test_one_rename_to_two_names_is_one_conflict(vault: Vault) -> None:
    start = vault.commit({"f": A})
    tips = [("one", vault.commit({"x": A}, start)), ("two", vault.commit({"y": A}, start))]
    vault.writer.flush()
    (clash,) = predict(vault.git, tips, start).pairs
    assert [one.kind for one in clash.conflicts] == [ConflictKind.RENAME_RENAME_1TO2]
    assert set(clash.conflicts[0].paths) == {"f", "x", "y"}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_kind_of_conflict_is_foreseen_between_two_workspaces(
    vault: Vault, case: Case
) -> None:
    start = vault.commit({**KEEP, **case.base})
    one = vault.commit({**KEEP, **case.parent}, start)
    other = vault.commit({**KEEP, **case.child}, start)
    vault.writer.flush()
    found = predict(vault.git, [("one", one), ("other", other)], start)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("one", "other")]
    paths = {path for conflict in found.pairs[0].conflicts for path in conflict.paths}
    assert not any("~" in path for path in paths)
    assert found.against_target == ()


def test_what_the_target_changed_meanwhile_is_no_clash_of_two_workspaces(vault: Vault) -> None:
    old = vault.commit({"f": A, "g": A})
    new = vault.commit({"f": lines("a", _1="target"), "g": A}, old)
    tips = [
        ("old", vault.commit({"f": lines("a", _1="old"), "g": lines("a", _1="x")}, old)),
        ("new", vault.commit({"f": lines("a", _1="target"), "g": lines("a", _9="y")}, new)),
    ]
    vault.writer.flush()
    found = predict(vault.git, tips, new)
    assert found.pairs == ()
    assert [clash.first for clash in found.against_target] == ["old"]


def test_a_child_workspace_does_not_clash_with_its_parent(vault: Vault) -> None:
    start = vault.commit({"f": A})
    parent = vault.commit({"f": lines("a", _1="x")}, start)
    child = vault.commit({"f": lines("a", _1="y")}, parent)
    vault.writer.flush()
    found = predict(vault.git, [("child", child), ("parent", parent), ("same", parent)], start)
    assert found.pairs == found.against_target == ()


def test_a_history_of_its_own_is_named_and_comes_last(vault: Vault) -> None:
    start, stranger = vault.commit({"f": A}), vault.commit({"f": "other"})
    one = vault.commit({"f": A, "g": "1"}, start)
    vault.writer.flush()
    found = predict(vault.git, [("stranger", stranger), ("one", one)], start)
    assert found.unrelated == ("stranger",)
    assert found.order == ("one", "stranger")


def test_nothing_to_foresee(vault: Vault) -> None:
    start = vault.commit({"f": A})
    vault.writer.flush()
    assert predict(vault.git, [], start).order == ()
