import pytest

from carrel.domain.conflicts import ConflictKind, Rules, Side, Strategy, glob_fits, strategy_for


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.lock", "poetry.lock"),
        ("*.lock", "a/b/poetry.lock"),
        ("/*.lock", "poetry.lock"),
        ("docs/*.md", "docs/a.md"),
        ("docs/**", "docs/a/b.md"),
        ("docs/", "docs/a/b.md"),
        ("**/test_*.py", "test_a.py"),
        ("**/test_*.py", "tests/unit/test_a.py"),
        ("src/**/*.py", "src/a.py"),
        ("src/**/*.py", "src/a/b/c.py"),
        ("a?c[0-9]", "abc7"),
        ("**", "anything/at all"),
        ("caf\udce9*", "caf\udce9.txt"),
    ],
)
def test_a_glob_fits(glob: str, path: str) -> None:
    assert glob_fits(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.lock", "a.lock/b"),
        ("/*.lock", "a/poetry.lock"),
        ("docs/*.md", "docs/a/b.md"),
        ("docs/**", "docs"),
        ("docs/**", "other/docs/a"),
        ("src/**/*.py", "src.py"),
        ("A*", "abc"),
        ("a?c", "a/c"),
        ("", "a"),
    ],
)
def test_a_glob_does_not_fit(glob: str, path: str) -> None:
    assert not glob_fits(glob, path)


def test_the_kind_comes_before_the_first_glob_and_that_before_the_default() -> None:
    rules = Rules(
        default=Strategy.FAIL,
        globs=(("*.md", Strategy.UNION), ("docs/**", Strategy.PARENT)),
        kinds={ConflictKind.BINARY: Strategy.CHILD},
    )
    assert strategy_for(rules, ConflictKind.BINARY, "docs/a.md") is Strategy.CHILD
    assert strategy_for(rules, ConflictKind.CONTENT, "docs/a.md") is Strategy.UNION
    assert strategy_for(rules, ConflictKind.CONTENT, "docs/a.txt") is Strategy.PARENT
    assert strategy_for(rules, ConflictKind.CONTENT, "a.txt") is Strategy.FAIL


def test_each_side_knows_the_other() -> None:
    assert Side.CHILD.other is Side.PARENT
    assert Side.PARENT.other is Side.CHILD
