"""References: plain reading, moving by compare-and-swap, names."""

from pathlib import Path

import pytest

from carrel.errors import BadInputError, FailedError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.refs import Move, Refs


@pytest.fixture
def mover(clone):
    made = Refs(Git(f"{clone.path}/.git"))
    yield made
    made.close()


def test_moving_is_all_or_nothing(clone, mover) -> None:
    one, two = clone.tip("main"), clone.commit()
    none = refs.zeros(20)
    assert mover.move([Move("refs/heads/a", one, none), Move("refs/heads/b", one, none)])
    assert not mover.move([Move("refs/heads/a", two, one), Move("refs/heads/b", two, two)])
    assert (clone.tip("a"), clone.tip("b")) == (one, one)
    assert not mover.move([Move("refs/heads/a", two, none)])
    assert mover.move([Move("refs/heads/a", two, one), Move("refs/heads/b", "", one)])
    assert (clone.tip("a"), clone.tip("b")) == (two, "")
    assert mover.move([])


def test_any_other_trouble_is_an_error(clone, mover) -> None:
    one = clone.tip("main")
    Path(clone.path, ".git/refs/heads/a.lock").touch()
    with pytest.raises(FailedError) as caught:
        mover.move([Move("refs/heads/a", one)])
    assert "lock" in caught.value.why
    with pytest.raises(FailedError):
        mover.move([Move("refs/heads/new", "1" * 40)])
    with pytest.raises(FailedError):
        mover.move([Move("refs/heads/x y", one)])


def test_a_prepared_move_keeps_others_out_and_can_be_dropped(clone, mover) -> None:
    one, two = clone.tip("main"), clone.commit()
    assert mover.prepare([Move("refs/heads/main", one, two)])
    clone.git("update-ref", "refs/heads/main", one, check=False)
    assert clone.tip("main") == two
    mover.abort()
    assert clone.tip("main") == two
    assert mover.prepare([Move("refs/heads/main", one, two)])
    mover.close()
    assert not Path(clone.path, ".git/refs/heads/main.lock").exists()
    assert mover.prepare([Move("refs/heads/main", one, two)])
    assert mover.commit()
    assert clone.tip("main") == one
    assert not mover.prepare([Move("refs/heads/main", one, two)])


def test_a_tip_is_read_as_git_reads_it(clone) -> None:
    git = Git(f"{clone.path}/.git")
    tip = clone.tip("main")
    clone.git("branch", "packed")
    clone.git("pack-refs", "--all")
    clone.git("branch", "deep/loose")
    clone.git("symbolic-ref", "refs/heads/alias", "refs/heads/packed")
    for name in ("main", "packed", "deep/loose", "alias"):
        assert refs.tip(git, f"refs/heads/{name}") == tip
    for name in ("nope", "deep", "deep/loose/x", "main/x"):
        assert refs.tip(git, f"refs/heads/{name}") is None
    (clone.path / ".git/refs/heads/link").symlink_to("packed")
    assert refs.tip(git, "HEAD") == tip


@pytest.mark.parametrize(
    "name",
    ["", "HEAD", "-x", "a..b", "a b", "a~", "a^", "a:b", "a?", "a*", "a[", "a\\", "a.lock", "a/",
     "/a", "a//b", ".a", "a/.b", "a.", "@", "a@{b", "a\x7f", "a\nb", "a.lock/b", "x" * 201],
)  # fmt: skip
def test_bad_branches_are_refused_as_git_does(name: str, clone) -> None:
    with pytest.raises(BadInputError) as caught:
        refs.checked_branch(name)
    assert caught.value.code == "bad_branch"


@pytest.mark.parametrize("name", ["a", "feature/x", "a-b", "ünïcode", "a@b", "@a", "1.2", "a{b}"])
def test_good_branches_pass_as_git_lets_them(name: str, clone) -> None:
    assert refs.checked_branch(name) == name
    assert clone.git("check-ref-format", "--branch", name) == name


def test_packed_text_goes_both_ways(clone) -> None:
    clone.git("tag", "-a", "v1", "-m", "x")
    clone.git("pack-refs", "--all")
    text = (clone.path / ".git/packed-refs").read_bytes()
    read = refs.parse_packed(text)
    assert read == refs.listing(Git(f"{clone.path}/.git"), "refs/")
    (clone.path / ".git/packed-refs").write_bytes(refs.format_packed(read))
    assert refs.listing(Git(f"{clone.path}/.git"), "refs/") == read
