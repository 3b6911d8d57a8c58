"""Ignored files: git's own rules, and never anything that git knows already."""

import os
import shutil
from pathlib import Path

import pytest

from carrel.testing.desk import Desk, make_desk


def new(desk: Desk, head: str | None = None) -> set[str]:
    """Return the paths that a checkpoint has and the start had not."""
    before = set(desk.files(desk.start))
    return set(desk.files(desk.capture(head=head).tree)) - before


def test_ignored_folders_are_not_even_read(desk: Desk) -> None:
    desk.write(".gitignore", b"cache/\n*.o\n")
    desk.write("cache/x", b"1")
    desk.write("src/cache/y", b"1")
    desk.write("src/a.o", b"1")
    desk.write("src/a.c", b"1")
    asked: list[bytes] = []
    real = desk.subject.driver.delta

    def watching(place: object, lowers: object, prune: object) -> object:
        def answer(path: bytes) -> bool:
            out = bool(prune(path))  # type: ignore[operator]
            if out:
                asked.append(path)
            return out

        return real(place, lowers, answer)  # type: ignore[arg-type]

    desk.subject.driver.delta = watching  # type: ignore[method-assign,assignment]
    assert new(desk) == {".gitignore", "src/a.c"}
    assert sorted(asked) == [b"cache", b"src/cache"]


def test_the_workspaces_own_excludes_count(desk: Desk) -> None:
    (desk.tree / ".git/info").mkdir(exist_ok=True)
    (desk.tree / ".git/info/exclude").write_bytes(b"# mine\n*.secret\nprivate/\n")
    desk.write("x.secret", b"1")
    desk.write("private/y", b"1")
    desk.write("z", b"1")
    assert new(desk) == {"z"}


def test_what_the_start_tracks_is_never_ignored(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {".gitignore": b"", "out/kept": b"1"})
    desk.write(".gitignore", b"out/\n")
    desk.write("out/kept", b"2")
    desk.write("out/new", b"1")
    files = desk.files(desk.capture().tree)
    assert files["out/kept"][1] == b"2"
    assert "out/new" not in files
    desk.stores.close()


def test_what_a_checkpoint_holds_is_never_ignored(desk: Desk) -> None:
    desk.write("build/x", b"1")
    desk.capture()
    desk.write(".gitignore", b"build/\n")
    desk.write("build/x", b"2")
    desk.write("build/y", b"1")
    files = desk.files(desk.capture().tree)
    assert files["build/x"][1] == b"2"
    assert "build/y" not in files


def test_what_the_occupant_committed_or_staged_by_force_is_never_ignored(desk: Desk) -> None:
    desk.write(".gitignore", b"*.log\nout/\n")
    desk.write("staged.log", b"1")
    desk.write("out/staged", b"1")
    desk.write("out/other", b"1")
    desk.write("other.log", b"1")
    desk.git("add", "-f", "staged.log", "out/staged")
    assert new(desk) == {".gitignore", "staged.log", "out/staged"}


def test_an_index_that_is_damaged_holds_nothing_up(desk: Desk) -> None:
    desk.write(".gitignore", b"*.log\n")
    desk.write("x.log", b"1")
    (desk.tree / ".git/index").write_bytes(b"DIRCgarbage")
    assert new(desk) == {".gitignore"}


def test_an_ignored_special_file_is_not_worth_a_line(desk: Desk) -> None:
    desk.write(".gitignore", b"*.pipe\n")
    os.mkfifo(desk.tree / "x.pipe")
    assert desk.capture().skipped == ()


def test_a_rule_that_went_away_no_longer_hides(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {".gitignore": b"out/\n", "sub/.gitignore": b"y\n"})
    desk.write("out/x", b"1")
    (desk.tree / ".gitignore").unlink()
    (desk.tree / "sub/.gitignore").unlink()
    desk.write("sub/y/z", b"1")
    assert new(desk) == {"out/x", "sub/y/z"}
    desk.stores.close()


def test_a_folder_moved_under_a_rule(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {".gitignore": b"/gen/\n", "src/a": b"1", "src/b": b"1"})
    shutil.move(desk.tree / "src", desk.tree / "gen")
    assert set(desk.files(desk.capture().tree)) == {".gitignore"}
    assert desk.capture().tree == desk.oracle()
    desk.stores.close()


@pytest.mark.parametrize(
    "rules",
    [
        b"*\n!*/\n!keep\n",
        b"/*\n!/a\n",
        b"**/x\n",
        b"a/**/z\n",
        b"\\#x\n",
        b"x \n",
        b"x\\ \n",
        b"[xy]\n",
    ],
)
def test_rules_mean_what_git_says(desk: Desk, rules: bytes) -> None:
    desk.write(".gitignore", rules)
    for path in [
        "x",
        "y",
        "x ",
        "#x",
        "a/x",
        "a/b/z",
        "a/z",
        "keep",
        "q/keep",
        "q/other",
        ":x",
        "*",
    ]:
        desk.write(path, b"1")
    assert desk.capture().tree == desk.oracle()
