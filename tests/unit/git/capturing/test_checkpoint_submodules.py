"""Submodules: the commit they have checked out is recorded, never their files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrel.git.capturing.adopt import adopt
from carrel.git.restoring import restore
from carrel.testing.desk import Desk, desk_on, git, make_source


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    """A repository with two commits."""
    place = tmp_path / "inner"
    place.mkdir()
    git(place, "init", "-q", "--template=", ".")
    for name in ("one", "two"):
        (place / name).write_text(name)
        git(place, "add", "-A")
        git(place, "commit", "-q", "-m", name)
    return place


def commit(place: Path, revision: str) -> str:
    return git(place, "rev-parse", revision).decode().strip()


@pytest.fixture
def desk(tmp_path: Path, inner: Path) -> Iterator[Desk]:
    """A workspace whose start has a submodule at the first commit, not checked out."""
    source = make_source(tmp_path, {"a": b"1"})
    entry = f"160000,{commit(inner, 'HEAD~1')},sub"
    git(source, "update-index", "--add", "--cacheinfo", entry)
    git(source, "commit", "-q", "-m", "with a submodule")
    made = desk_on(tmp_path, source)
    yield made
    made.stores.close()


def recorded(desk: Desk) -> str | None:
    found = desk.files(desk.capture().tree).get("sub")
    return None if found is None else found[1].decode()


def test_one_that_is_not_checked_out_stays(desk: Desk, inner: Path) -> None:
    desk.write("a", b"2")
    assert recorded(desk) == commit(inner, "HEAD~1")


@pytest.mark.parametrize("how", ["folder", "modules"])
def test_the_commit_that_is_checked_out_is_recorded(desk: Desk, inner: Path, how: str) -> None:
    (desk.tree / "sub").rmdir()
    modules = desk.tree / ".git/modules/sub"
    modules.parent.mkdir()
    options = ["--separate-git-dir", str(modules)] if how == "modules" else []
    git(desk.tree, "clone", "-q", *options, str(inner), "sub")
    if how == "modules":
        (desk.tree / "sub/.git").write_text("gitdir: ../.git/modules/sub\n")
    desk.write("sub/more", b"1")
    assert recorded(desk) == commit(inner, "HEAD")
    assert desk.capture().tree == desk.oracle()


def test_one_that_was_deleted_is_gone(desk: Desk) -> None:
    (desk.tree / "sub").rmdir()
    assert recorded(desk) is None


def test_files_in_one_that_is_not_checked_out_are_named(desk: Desk, inner: Path) -> None:
    desk.write("sub/mine", b"1")
    captured = desk.capture()
    assert desk.files(captured.tree)["sub"][1].decode() == commit(inner, "HEAD~1")
    assert [path for path, _ in captured.skipped] == ["sub/"]


def test_a_link_out_of_the_workspace_is_not_followed(desk: Desk, inner: Path) -> None:
    for text in (f"gitdir: {inner}/.git\n", "gitdir: ../.git/modules/../../../../inner/.git\n"):
        desk.write("sub/.git", text.encode())
        assert recorded(desk) == commit(inner, "HEAD~1")


def test_going_back_never_deletes_one_that_is_checked_out(desk: Desk, inner: Path) -> None:
    (desk.tree / "sub").rmdir()
    without = desk.capture().commit
    git(desk.tree, "clone", "-q", str(inner), "sub")
    desk.git("add", "sub")
    desk.git("commit", "-q", "-m", "with it again")
    there = adopt(desk.subject).head
    desk.write("sub/precious", b"1")
    captured = desk.capture(head=there)
    assert desk.files(captured.tree)["sub"][1].decode() == commit(inner, "HEAD")
    restore.apply(desk.subject, from_commit=desk.last, to_commit=without)
    assert (desk.tree / "sub/precious").read_bytes() == b"1"


def test_an_empty_folder_is_made_for_one_that_comes_back(desk: Desk) -> None:
    (desk.tree / "sub").rmdir()
    without = desk.capture().commit
    restore.apply(desk.subject, from_commit=without, to_commit=desk.start)
    assert (desk.tree / "sub").is_dir()
    assert recorded(desk) is not None
