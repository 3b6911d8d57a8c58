"""Every kind of conflict under every strategy leaves exactly the tree that is written down."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.contract.conflict_cases import CASES
from tests.contract.conflict_words import KEEP, Case, Value
from tests.contract.merge_vault import OLD, Vault

from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy
from carrel.git.gateway import Git
from carrel.git.merging.merge import Merged, merge
from carrel.system.processes import Done

NEW = OLD + 500
PROGRAM = ("sh", "-c", 'echo merged > "$4"', "merge")


@dataclass(frozen=True)
class OnceAsked(Git):
    """Git on objects that never change: what it said of them once holds for every test."""

    said: dict[tuple[str | bytes, ...], Done] = field(default_factory=dict)

    def run(self, *arguments: str | bytes, stdin: bytes = b"", ok: tuple[int, ...] = (0,)) -> Done:
        if stdin or arguments[0] not in ("merge-tree", "merge-base", "diff-tree"):
            return super().run(*arguments, stdin=stdin, ok=ok)
        if arguments not in self.said:
            self.said[arguments] = super().run(*arguments, ok=ok)
        return self.said[arguments]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    one = Vault(tmp_path_factory.mktemp("vault") / "vault.git")
    one.git = OnceAsked(one.git.git_dir)
    for case in BOTH:
        for time in (OLD + 60, NEW):
            _commits(one, case, parent=time, child=time)
    one.writer.flush()  # all at once: each pack costs every git process a look
    yield one
    one.reader.close()


def _swapped(case: Case) -> Case:
    return replace(
        case,
        name=f"{case.name}, sides swapped",
        path=case.swapped_path or case.path,
        parent=case.child,
        child=case.parent,
        parent_wins=case.child_wins,
        child_wins=case.parent_wins,
        union=case.union_swapped or case.union,
        command=case.command_swapped or case.command,
    )


BOTH = [*CASES, *(_swapped(case) for case in CASES)]
every_case = pytest.mark.parametrize("case", BOTH, ids=[case.name for case in BOTH])


def _commits(vault: Vault, case: Case, *, parent: int, child: int) -> tuple[str, str]:
    base = vault.commit({**KEEP, **case.base})
    ours = vault.commit({**KEEP, **case.parent}, base, time=parent)
    return ours, vault.commit({**KEEP, **case.child}, base, time=child)


def _merge(
    vault: Vault, case: Case, rules: Rules, *, parent: int = OLD + 60, child: int = OLD + 60
) -> Merged:
    ours, theirs = _commits(vault, case, parent=parent, child=child)
    merged = merge(vault.git, vault.reader, ours, theirs, rules, merge_id="m1", fresh=vault.writer)
    _check_losers(vault, case, merged)
    return merged


def _check_losers(vault: Vault, case: Case, merged: Merged) -> None:
    """Whatever a side made is in the result, or named as losing and kept."""
    if merged.tree is None:
        assert merged.keep == {}
        return
    made = {
        value
        for tree in (case.parent, case.child)
        for path, value in tree.items()
        if case.base.get(path) != value
    }
    there = set(vault.tree(merged.tree).values())
    named = {
        version.object_id for settlement in merged.settlements for version in settlement.losing
    }
    united = any(one.strategy is Strategy.UNION for one in merged.settlements)
    for value in made - there:
        assert united or vault.entry(value).oid in named, value
    refs = {one.kept_ref for one in merged.settlements if one.losing}
    assert refs <= set(merged.keep)
    assert bool(refs) == bool(merged.keep)
    for ref, oid in merged.keep.items():
        assert oid == (merged.child if ref.endswith("/child") else merged.parent)


def _result(vault: Vault, merged: Merged) -> Mapping[str, Value]:
    assert merged.left == ()
    return {path: value for path, value in vault.tree(merged.tree_id).items() if path != "keep"}


@every_case
def test_the_child_wins(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(Strategy.CHILD))
    assert _result(vault, merged) == case.child_wins
    assert {one.winner for one in merged.settlements} == {Side.CHILD}


@every_case
def test_the_parent_wins(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(Strategy.PARENT))
    assert _result(vault, merged) == case.parent_wins
    assert {one.winner for one in merged.settlements} == {Side.PARENT}


@every_case
def test_the_newest_wins_when_it_is_the_child(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(), child=NEW)
    assert _result(vault, merged) == case.child_wins
    assert "2023-11-14 22:21:40 UTC" in merged.settlements[0].reason


@every_case
def test_the_newest_wins_when_it_is_the_parent(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(), parent=NEW)
    assert _result(vault, merged) == case.parent_wins
    assert "2023-11-14 22:14:20 UTC" in merged.settlements[0].reason


@every_case
@pytest.mark.parametrize("tie", list(Side))
def test_a_tie_goes_to_the_configured_side(vault: Vault, case: Case, tie: Side) -> None:
    merged = _merge(vault, case, Rules(tie=tie))
    expected = case.child_wins if tie is Side.CHILD else case.parent_wins
    assert _result(vault, merged) == expected


@every_case
def test_union(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(Strategy.UNION), child=NEW)
    assert _result(vault, merged) == (case.child_wins if case.union is None else case.union)
    strategy = Strategy.NEWEST_FILE_WINS if case.union is None else Strategy.UNION
    assert {one.strategy for one in merged.settlements} == {strategy}


@every_case
def test_a_command(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(Strategy.COMMAND, command=PROGRAM))
    if case.command is None:
        assert merged.tree is None
        assert [one.path for one in merged.left] == [case.path]
    else:
        assert _result(vault, merged) == case.command


@every_case
def test_fail_leaves_the_conflict_and_names_it(vault: Vault, case: Case) -> None:
    merged = _merge(vault, case, Rules(Strategy.FAIL))
    assert merged.tree is None
    assert [(one.kind, one.path) for one in merged.left] == [(case.kind, case.path)]
    assert case.path in merged.left[0].paths


def test_every_kind_has_a_case() -> None:
    assert {case.kind for case in CASES} == set(ConflictKind)
