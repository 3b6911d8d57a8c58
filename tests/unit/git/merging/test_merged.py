from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.conflict_words import Tree, lines
from tests.contract.merge_vault import Vault

from carrel.git.merging.merged import Proof, is_merged

A = lines("a")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    one = Vault(tmp_path / "vault.git")
    yield one
    one.reader.close()


def _proof(vault: Vault, head: str, start: str, target: str) -> Proof | None:
    vault.writer.flush()
    return is_merged(vault.git, vault.reader, head, start, target)


def _chain(vault: Vault, start: str, *trees: Tree) -> str:
    for tree in trees:
        start = vault.commit(tree, start)
    return start


def test_an_ancestor(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = vault.commit({"f": lines("a", _1="x")}, start)
    target = vault.commit({"f": A, "g": "1"}, head, start)
    assert _proof(vault, head, start, target) is Proof.ANCESTOR
    assert _proof(vault, start, start, target) is Proof.ANCESTOR


def test_work_that_is_nowhere(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = vault.commit({"f": lines("a", _1="x")}, start)
    target = vault.commit({"f": A, "g": "1"}, start)
    assert _proof(vault, head, start, target) is None
    assert _proof(vault, head, start, start) is None
    assert _proof(vault, head, start, vault.commit({"f": lines("a", _1="x")})) is None


def test_a_squash_and_a_copy_by_hand(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = _chain(vault, start, {"f": lines("a", _1="x")}, {"f": lines("a", _1="x", _9="y")})
    squashed = _chain(vault, start, {"f": A, "g": "1"}, {"f": lines("a", _1="x", _9="y"), "g": "1"})
    assert _proof(vault, head, start, squashed) is Proof.SAME


def test_a_squash_that_the_target_changed_since(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = _chain(vault, start, {"f": lines("a", _1="x")}, {"f": lines("a", _1="x", _2="y")})
    target = _chain(
        vault, start, {"f": lines("a", _1="x", _2="y")}, {"f": lines("a", _1="other", _2="other")}
    )
    assert _proof(vault, head, start, target) is Proof.SQUASHED


def test_a_rebase_that_the_target_changed_since(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = _chain(vault, start, {"f": lines("a", _1="x")}, {"f": lines("a", _1="x", _9="y")})
    target = _chain(
        vault,
        start,
        {"f": A, "g": "1"},
        {"f": lines("a", _1="x"), "g": "1"},
        {"f": lines("a", _1="x", _9="y"), "g": "1"},
        {"f": "all new\n", "g": "1"},
    )
    assert _proof(vault, head, start, target) is Proof.REBASED


def test_an_empty_checkpoint_is_no_obstacle(vault: Vault) -> None:
    start = vault.commit({"f": A})
    x, y = {"f": lines("a", _1="x")}, {"f": lines("a", _1="x", _9="y")}
    head = _chain(vault, start, x, x, y)
    target = _chain(vault, start, {"f": A, "g": "1"}, {**x, "g": "1"}, {**y, "g": "1"}, {"f": "z"})
    assert _proof(vault, head, start, target) is Proof.REBASED


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"f": "if a:\n    b\n"}, {"f": "if a:\nb\n"}),
        ({"f": ("b", "mine")}, {"f": ("b", "theirs")}),
        ({"f": ("x", A)}, {"f": A, "g": "1"}),
        ({"f": ("l", A)}, {"f": A, "g": "1"}),
    ],
    ids=["white space", "binary", "mode", "type"],
)
def test_a_difference_that_a_patch_id_would_miss(vault: Vault, mine: Tree, theirs: Tree) -> None:
    start = vault.commit({"f": A})
    head = vault.commit(mine, start)
    target = _chain(vault, start, theirs, {"f": "all new\n"})
    assert _proof(vault, head, start, target) is None


def test_half_of_a_rebase_proves_nothing(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = _chain(vault, start, {"f": lines("a", _1="x")}, {"f": lines("a", _1="x", _9="y")})
    target = _chain(vault, start, {"f": lines("a", _1="x")}, {"f": "all new\n"})
    assert _proof(vault, head, start, target) is None


def test_what_a_merge_of_its_own_decided_is_not_proved_by_its_patches(vault: Vault) -> None:
    start = vault.commit({"f": A})
    side = vault.commit({"f": A, "g": "1"}, start)
    x = vault.commit({"f": lines("a", _1="x")}, start)
    head = vault.commit({"f": "decided\n", "g": "1"}, x, side)
    target = _chain(vault, side, {"f": lines("a", _1="x"), "g": "1"}, {"f": "new\n", "g": "1"})
    assert _proof(vault, head, start, target) is None


def test_nothing_is_written_into_the_store(vault: Vault) -> None:
    start = vault.commit({"f": A})
    head = vault.commit({"f": lines("a", _1="x")}, start)
    target = vault.commit({"f": lines("a", _9="y")}, start)
    vault.writer.flush()
    before = vault.git.text("count-objects", "-v")
    assert _proof(vault, head, start, target) is None
    assert vault.git.text("count-objects", "-v") == before
