"""What the contract of conflicts does not show: histories, times, programs, odd names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.conflict_words import Tree, Value, lines
from tests.contract.merge_vault import OLD, Vault

from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy
from carrel.errors import BadInputError, FailedError
from carrel.git.merging.merge import Merged, merge

A = lines("a")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    one = Vault(tmp_path / "vault.git")
    yield one
    one.reader.close()


def _merge(vault: Vault, parent: str, child: str, rules: Rules | None = None) -> Merged:
    vault.writer.flush()
    return merge(vault.git, vault.reader, parent, child, rules or Rules(), merge_id="m1")


def _tree(vault: Vault, merged: Merged) -> dict[str, Value]:
    return vault.tree(merged.tree_id)


def _f(**changed: str) -> Tree:
    return {"f": lines("a", **changed)}


def test_what_is_there_already(vault: Vault) -> None:
    old = vault.commit(_f())
    new = vault.commit(_f(_1="x"), old)
    assert _merge(vault, new, old).up_to_date
    assert _merge(vault, new, new).up_to_date
    assert _merge(vault, old, new).fast_forward
    assert not _merge(vault, old, new).up_to_date
    twin = vault.commit(_f(_1="x"), old, time=OLD + 1)
    merged = _merge(vault, new, twin)
    assert (merged.up_to_date, merged.fast_forward) == (False, False)
    assert _tree(vault, merged) == _f(_1="x")


def test_a_clean_merge_is_git_s_own(vault: Vault) -> None:
    base = vault.commit(_f())
    merged = _merge(vault, vault.commit(_f(_1="p"), base), vault.commit(_f(_9="c"), base))
    assert _tree(vault, merged) == _f(_1="p", _9="c")
    assert merged.settlements == merged.left == ()
    assert merged.keep == {}


def test_unrelated_histories_are_refused_with_a_cure(vault: Vault) -> None:
    with pytest.raises(BadInputError, match="share no history") as caught:
        _merge(vault, vault.commit(_f()), vault.commit(_f(_1="x")))
    assert caught.value.code == "unrelated_histories"
    assert caught.value.cure


def test_what_is_no_commit_is_an_error_and_no_conflict(vault: Vault) -> None:
    known = vault.commit(_f())
    with pytest.raises(FailedError):
        _merge(vault, known, "1" * 40)


def test_where_histories_cross_all_common_ancestors_count(vault: Vault) -> None:
    root = vault.commit({**_f(), "g": A})
    one, two = vault.commit({**_f(_1="one"), "g": A}, root), vault.commit({**_f(), "g": "2"}, root)
    both = {**_f(_1="one"), "g": "2"}
    left = vault.commit({**both, "f": lines("a", _1="one", _5="left")}, one, two)
    right = vault.commit({**both, "f": lines("a", _1="one", _5="right")}, two, one)
    merged = _merge(vault, left, right, Rules(Strategy.UNION))
    assert _tree(vault, merged) == {**both, "f": lines("a", _1="one", _5="left\nright")}
    assert [one.kind for one in merged.settlements] == [ConflictKind.CONTENT]
    assert len(vault.git.text("merge-base", "--all", left, right).split()) == 2


def test_where_histories_cross_and_their_ancestors_clash(vault: Vault) -> None:
    root = vault.commit(_f())
    one, two = vault.commit(_f(_5="one"), root), vault.commit(_f(_5="two"), root)
    left = vault.commit(_f(_5="left"), one, two)
    right = vault.commit(_f(_5="right"), two, one)
    for strategy, word in ((Strategy.PARENT, "left"), (Strategy.CHILD, "right")):
        merged = _merge(vault, left, right, Rules(strategy))
        assert _tree(vault, merged) == _f(_5=word)
    assert _tree(vault, _merge(vault, left, right, Rules(Strategy.UNION))) == _f(_5="left\nright")


def test_the_last_commit_that_touched_the_path_counts_and_no_other(vault: Vault) -> None:
    base = vault.commit(_f())
    parent = vault.commit(_f(_5="p"), base, time=OLD + 100)
    touched = vault.commit(_f(_5="c"), base, time=OLD + 50)
    child = vault.commit({**_f(_5="c"), "other": "late"}, touched, time=OLD + 500)
    merged = _merge(vault, parent, child)
    assert _tree(vault, merged) == {**_f(_5="p"), "other": "late"}
    assert merged.settlements[0].winner is Side.PARENT


def test_single_commits_are_timed_as_a_history_is(vault: Vault) -> None:
    base = vault.commit({**_f(), "g": A})
    both = {**_f(_5="p"), "g": lines("a", _5="p")}
    for time, word in ((OLD + 50, "p"), (OLD + 150, "c")):
        parent = vault.commit(both, base, time=OLD + 100)
        child = vault.commit({**_f(_5="c"), "g": lines("a", _5="c")}, base, time=time)
        alone = _merge(vault, parent, child)
        longer = _merge(vault, parent, vault.commit({**_f(_5="c"), "g": lines("a", _5="c")}, child))
        assert _tree(vault, alone) == {**_f(_5=word), "g": lines("a", _5=word)}
        assert [one.reason for one in alone.settlements] == [
            one.reason for one in longer.settlements
        ]


def test_a_deletion_counts_when_it_was_done(vault: Vault) -> None:
    base = vault.commit({**_f(), "g": "1"})
    parent = vault.commit({**_f(_5="p"), "g": "1"}, base, time=OLD + 100)
    for time, there in ((OLD + 50, True), (OLD + 150, False)):
        child = vault.commit({"g": "1"}, base, time=time)
        child = vault.commit({"g": "2"}, child, time=OLD + 900)
        assert ("f" in _tree(vault, _merge(vault, parent, child))) is there


def test_in_a_merge_commit_only_what_was_decided_there_counts(vault: Vault) -> None:
    base = vault.commit({**_f(), "g": A})
    parent = vault.commit({**_f(_5="p"), "g": lines("a", _5="p")}, base, time=OLD + 100)
    one = vault.commit({**_f(_5="c"), "g": lines("a", _5="1")}, base, time=OLD + 10)
    two = vault.commit({**_f(), "g": lines("a", _5="2")}, base, time=OLD + 20)
    child = vault.commit({**_f(_5="c"), "g": lines("a", _5="c")}, one, two, time=OLD + 200)
    merged = _merge(vault, parent, child)
    assert _tree(vault, merged) == {**_f(_5="p"), "g": lines("a", _5="c")}
    assert [one.winner for one in merged.settlements] == [Side.PARENT, Side.CHILD]


def test_many_paths_are_timed_as_few_are(vault: Vault) -> None:
    names = [f"d{number % 7}/f{number}" for number in range(150)]
    base = vault.commit(dict.fromkeys(names, A))
    parent = vault.commit(dict.fromkeys(names, lines("a", _5="p")), base, time=OLD + 50)
    half = {name: lines("a", _5="c") if name < "d3" else A for name in names}
    child = vault.commit(half, base, time=OLD + 20)
    child = vault.commit(dict.fromkeys(names, lines("a", _5="c")), child, time=OLD + 80)
    expected = {name: lines("a", _5="p" if name < "d3" else "c") for name in names}
    assert _tree(vault, _merge(vault, parent, child)) == expected


def test_rules_by_kind_by_glob_and_by_default_in_one_merge(vault: Vault) -> None:
    names = ("a.lock", "docs/a.md", "docs/x.bin", "src/a.py")
    base = vault.commit(dict.fromkeys(names, A))
    sides = [
        vault.commit(
            {name: ("b", word) if name.endswith("bin") else f"{word}\n" for name in names}, base
        )
        for word in ("p", "c")
    ]
    rules = Rules(
        default=Strategy.FAIL,
        globs=(("*.lock", Strategy.PARENT), ("docs/**", Strategy.UNION)),
        kinds={ConflictKind.BINARY: Strategy.CHILD},
    )
    merged = _merge(vault, sides[0], sides[1], rules)
    assert merged.tree is None
    assert merged.keep == {}
    assert [one.path for one in merged.left] == ["src/a.py"]
    assert [(one.path, one.strategy) for one in merged.settlements] == [
        ("a.lock", Strategy.PARENT),
        ("docs/a.md", Strategy.UNION),
        ("docs/x.bin", Strategy.CHILD),
    ]
    with pytest.raises(FailedError, match="leaves conflicts"):
        _ = merged.tree_id


def test_the_loser_is_named_and_its_commit_kept(vault: Vault) -> None:
    base = vault.commit({**_f(), "g": A})
    parent = vault.commit({**_f(_5="p"), "g": lines("a", _5="p")}, base)
    child = vault.commit({**_f(_5="c"), "g": lines("a", _5="c")}, base)
    rules = Rules(Strategy.CHILD, globs=(("g", Strategy.PARENT),))
    merged = _merge(vault, parent, child, rules)
    assert merged.keep == {
        "refs/carrel/lost/m1/child": child,
        "refs/carrel/lost/m1/parent": parent,
    }
    f, g = merged.settlements
    assert (f.kept_ref, g.kept_ref) == ("refs/carrel/lost/m1/parent", "refs/carrel/lost/m1/child")
    assert [(one.path, one.mode) for one in f.losing] == [("f", "100644")]
    assert vault.reader.read(f.losing[0].object_id)[1].decode() == lines("a", _5="p")
    assert vault.reader.read(f.winning[0].object_id)[1].decode() == lines("a", _5="c")


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", '"quoted"', "-dash", "tab\t", "ü", "a~b", "\udcff\udcfe"]
)
def test_odd_names(vault: Vault, name: str) -> None:
    path = f"{name}/{name}"
    base = vault.commit({path: A})
    merged = _merge(
        vault,
        vault.commit({path: "p"}, base),
        vault.commit({path: "c"}, base),
        Rules(Strategy.CHILD),
    )
    assert [one.path for one in merged.settlements] == [path]
    assert _tree(vault, merged) == {path: "c"}


def test_a_file_that_is_named_like_git_s_made_up_names(vault: Vault) -> None:
    base = vault.commit({"keep": "1"})
    parent = vault.commit({"keep": "1", "d/x": "p"}, base)
    vault.writer.flush()
    first = vault.commit({"keep": "1", "d": "c"}, base)
    child = vault.commit({"keep": "1", "d": "c", f"d~{first}": "mine"}, base)
    merged = _merge(vault, parent, child, Rules(Strategy.PARENT))
    assert _tree(vault, merged) == {"keep": "1", "d/x": "p", f"d~{first}": "mine"}


def test_markers_that_are_content_stay(vault: Vault) -> None:
    text = "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n"
    base = vault.commit({"f": A})
    merged = _merge(
        vault,
        vault.commit({"f": text}, base),
        vault.commit({"f": "c"}, base),
        Rules(Strategy.PARENT),
    )
    assert _tree(vault, merged) == {"f": text}


def _program(script: str) -> Rules:
    return Rules(Strategy.COMMAND, command=("sh", "-c", script, "merge"))


def _clash(vault: Vault) -> tuple[str, str]:
    base = vault.commit({"d/f": "base\n"})
    return vault.commit({"d/f": ("x", "p\n")}, base), vault.commit({"d/f": "c\n"}, base)


def test_a_program_gets_three_files_and_says_the_result(vault: Vault) -> None:
    script = (
        'cat "$1" "$2" "$3" > "$4"; '
        'echo "$CARREL_PATH $CARREL_KIND $CARREL_BASE_MODE $CARREL_PARENT_MODE $CARREL_CHILD_MODE"'
        ' >> "$4"; env | grep -c SECRET >> "$4"; true'
    )
    os.environ["SECRET"] = "seen"
    try:
        merged = _merge(vault, *_clash(vault), _program(script))
    finally:
        del os.environ["SECRET"]
    text = "base\np\nc\nd/f content 100644 100755 100644\n0\n"
    assert _tree(vault, merged) == {"d/f": ("x", text)}
    assert merged.settlements[0].winner is None
    assert set(merged.keep) == {"refs/carrel/lost/m1/child", "refs/carrel/lost/m1/parent"}


@pytest.mark.parametrize(
    "script",
    ['echo x > "$4"; exit 1', "exit 0", 'ln -s /etc/passwd "$4"', 'mkdir "$4"', 'mkfifo "$4"'],
    ids=["says no", "writes nothing", "a link", "a folder", "a pipe"],
)
def test_a_program_that_does_not_settle_leaves_the_conflict(vault: Vault, script: str) -> None:
    merged = _merge(vault, *_clash(vault), _program(script))
    assert merged.tree is None
    assert [one.path for one in merged.left] == ["d/f"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 1 >&2; exit 7", "ended with exit code 7, saying: 1"),
        ("exit 3", "ended with exit code 3, saying nothing"),
        ("kill -TERM $$", "ended by signal 15"),
        ("seq 9 >&2; exit 1", "saying: 7 / 8 / 9"),
        ("exit 0", "ended well but wrote no regular file"),
    ],
)
def test_a_program_that_fails_is_explained(vault: Vault, script: str, told: str) -> None:
    merged = _merge(vault, *_clash(vault), _program(script))
    assert merged.why_left["d/f"].startswith("The merge program 'sh' ended ")
    assert told in merged.why_left["d/f"]


def test_what_a_program_says_is_bounded_and_shows_no_secret(vault: Vault) -> None:
    script = (
        "printf 'x%.0s' $(seq 5000) >&2; "
        "printf ' \\033[1m https://me:hush@host/ API_TOKEN=hush2 --password: hush3' >&2; exit 1"
    )
    told = _merge(vault, *_clash(vault), _program(script)).why_left["d/f"]
    assert "hush" not in told
    assert "https://***@host/" in told
    assert told.isprintable()
    assert len(told) < 400


def test_conflicts_that_a_rule_leaves_have_no_more_to_say(vault: Vault) -> None:
    merged = _merge(vault, *_clash(vault), Rules(Strategy.FAIL))
    assert [one.path for one in merged.left] == ["d/f"]
    assert merged.why_left == {}


def test_a_missing_version_is_an_empty_file_without_mode(vault: Vault) -> None:
    base = vault.commit({"f": "base\n", "keep": "1"})
    parent, child = vault.commit({"keep": "1"}, base), vault.commit({"f": "c\n", "keep": "1"}, base)
    script = 'wc -c < "$2" | tr -d " " > "$4"; echo "[$CARREL_PARENT_MODE]" >> "$4"'
    merged = _merge(vault, parent, child, _program(script))
    assert _tree(vault, merged)["f"] == "0\n[]\n"


def test_no_program_and_a_missing_program_are_errors(vault: Vault) -> None:
    parent, child = _clash(vault)
    with pytest.raises(BadInputError, match="no merge program is set"):
        _merge(vault, parent, child, Rules(Strategy.COMMAND))
    with pytest.raises(FailedError, match="can't be started"):
        _merge(vault, parent, child, Rules(Strategy.COMMAND, command=("/no/such/program",)))


def test_the_same_merge_again_gives_the_same(vault: Vault) -> None:
    parent, child = _clash(vault)
    assert _merge(vault, parent, child) == _merge(vault, parent, child)


def test_no_reference_is_made(vault: Vault) -> None:
    _merge(vault, *_clash(vault))
    assert vault.git.text("for-each-ref") == ""
