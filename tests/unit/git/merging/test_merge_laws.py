"""Laws of every merge, on random trees that both sides edit, rename, delete and chmod."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conflict_words import Tree, Value
from tests.contract.merge_vault import OLD, Vault

from carrel.domain.conflicts import Rules, Side, Strategy
from carrel.git.merging.merge import Merged, merge
from carrel.git.merging.mergetree import merge_tree

Files = dict[str, Value]
NAMES = ["a", "b", "d/a", "d/b", "d/e/a", "e/a", "e/b", "a/x"]
PATH = st.sampled_from(NAMES)
LINE = st.integers(0, 9)


def _text(word: str, changed: int = -1, by: str = "") -> str:
    return "".join(f"{word} {by if n == changed else ''} line {n}\n" for n in range(10))


def _set(files: Files, path: str, value: Value) -> None:
    """Put a file, in place of whatever folder or file is in its way."""
    for one in list(files):
        if one.startswith(f"{path}/") or path.startswith(f"{one}/"):
            del files[one]
    files[path] = value


def _act(files: Files, action: tuple[str, str, str, int], who: str) -> None:
    what, path, other, line = action
    present = files.get(path)
    if what == "add":
        _set(files, path, f"{who} {line}\n")
    elif what == "move folder":
        for one in [one for one in files if one.startswith(path.split("/")[0] + "/")]:
            _set(files, "moved/" + one.partition("/")[2], files.pop(one))
    elif present is not None and what in ("delete", "rename"):
        del files[path]
        if what == "rename":
            _set(files, other, present)
    elif present is not None:
        files[path] = _changed(what, present, who, line)


def _changed(what: str, present: Value, who: str, line: int) -> Value:
    if what in ("l", "b"):
        return what, f"{who}{line}"
    if not isinstance(present, str):
        return present
    if what == "x":
        return what, present
    rows = present.split("\n")
    rows[min(line, len(rows) - 1)] = f"by {who} {line}"
    return "\n".join(rows)


ACTS = ["add", "edit", "edit", "edit", "delete", "rename", "rename", "move folder", "l", "x", "b"]
ACTION = st.tuples(st.sampled_from(ACTS), PATH, PATH, LINE)
ACTIONS = st.lists(ACTION, min_size=1, max_size=5)


@st.composite
def _three(draw: st.DrawFn) -> tuple[Tree, Tree, Tree]:
    base: Files = {}
    for number, path in enumerate(draw(st.lists(PATH, unique=True, max_size=6))):
        _set(base, path, _text(f"text {number}"))
    sides: list[Files] = []
    for who in ("parent", "child"):
        files = dict(base)
        for action in draw(ACTIONS):
            _act(files, action, who)
        sides.append(files)
    return base, sides[0], sides[1]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(tmp_path_factory.mktemp("laws") / "vault.git")


def _commits(vault: Vault, three: tuple[Tree, Tree, Tree]) -> tuple[str, str, str]:
    base = vault.commit(three[0])
    parent = vault.commit(three[1], base, time=OLD + 10)
    child = vault.commit(three[2], base, time=OLD + 20)
    vault.writer.flush()
    return base, parent, child


STRATEGIES = [Strategy.CHILD, Strategy.PARENT, Strategy.NEWEST_FILE_WINS, Strategy.UNION]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(three=_three(), strategy=st.sampled_from(STRATEGIES), tie=st.sampled_from(list(Side)))
def test_every_merge_settles_and_loses_nothing(
    vault: Vault, three: tuple[Tree, Tree, Tree], strategy: Strategy, tie: Side
) -> None:
    _, parent, child = _commits(vault, three)
    rules = Rules(strategy, tie=tie)
    merged = merge(vault.git, vault.reader, parent, child, rules, merge_id="m")
    assert merged == merge(vault.git, vault.reader, parent, child, rules, merge_id="m")
    result = vault.tree(merged.tree_id)
    by_git = merge_tree(vault.git, parent, child)
    _no_trace_of_git(result, three)
    _nothing_is_lost(vault, three, merged, result)
    if by_git.clean:
        assert merged.tree == by_git.tree
        assert merged.settlements == ()
    else:
        _the_rest_is_git_s(vault, vault.tree(by_git.tree), merged, result)
    vault.git.run("fsck", "--no-dangling", "--strict", merged.tree_id)
    vault.reader.close()


def _no_trace_of_git(result: Tree, three: tuple[Tree, Tree, Tree]) -> None:
    for path, value in result.items():
        assert "~" not in path
        text = value if isinstance(value, str) else value[1]
        assert "<<<<<<<" not in text
        assert ">>>>>>>" not in text
    known = {path for tree in three for path in tree}
    assert {path for path in result if path not in known and not path.startswith("moved/")} == set()


def _nothing_is_lost(
    vault: Vault, three: tuple[Tree, Tree, Tree], merged: Merged, result: Tree
) -> None:
    """Every version a side made is in the result, named as losing, or went into a merged file."""
    base, *sides = three
    there = {vault.entry(value).oid for value in result.values()}
    named = {one.object_id for settled in merged.settlements for one in settled.losing}
    lines = {line for value in result.values() for line in _lines(value)}
    old = {line for value in base.values() for line in _lines(value)}
    for side in sides:
        for path, value in side.items():
            if base.get(path) == value or vault.entry(value).oid in there | named:
                continue
            assert isinstance(value, str) or value[0] == "x", (path, value)
            assert set(_lines(value)) - old <= lines, (path, value)


def _lines(value: Value) -> list[str]:
    return (value if isinstance(value, str) else value[1]).split("\n")


def _the_rest_is_git_s(vault: Vault, git: Tree, merged: Merged, result: Tree) -> None:
    """A path of no conflict is what git made of it."""
    rules = Rules(Strategy.FAIL)
    left = merge(vault.git, vault.reader, merged.parent, merged.child, rules, merge_id="m").left
    concerned = {path for conflict in left for path in conflict.paths}
    for path in git.keys() | result.keys():
        if path not in concerned and "~" not in path and not path.startswith("moved/"):
            assert result.get(path) == git.get(path), path


def test_git_merge_itself_agrees_where_it_is_clean(tmp_path: Path) -> None:
    """The reference: `git merge` in a checkout."""
    vault = Vault(tmp_path / "vault.git")
    base = {"a": _text("a"), "d/x": _text("x"), "d/y": _text("y"), "gone": _text("g")}
    parent = {**base, "a": _text("a", 1, "p"), "e/x": _text("x")}
    child = {**base, "a": _text("a", 8, "c"), "d/x": _text("x", 5, "c")}
    del parent["d/x"], parent["gone"]
    _, ours, theirs = _commits(vault, (base, parent, child))
    merged = merge(vault.git, vault.reader, ours, theirs, Rules(), merge_id="m")
    vault.reader.close()
    work = tmp_path / "work"
    git = ["git", "-C", str(work), "-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", "clone", "-q", "-n", tmp_path / "vault.git", work], check=True)
    _run(git, "fetch", "-q", str(tmp_path / "vault.git"), ours, theirs)
    _run(git, "checkout", "-q", "--detach", ours)
    _run(git, "merge", "-q", "--no-edit", theirs)
    done = subprocess.run([*git, "rev-parse", "HEAD^{tree}"], check=True, capture_output=True)
    assert done.stdout.decode().strip() == merged.tree


def _run(git: list[str], *arguments: str) -> None:
    subprocess.run([*git, *arguments], check=True, capture_output=True)
