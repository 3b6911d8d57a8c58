"""Moving files from one commit to another, and the branch with them."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forks import killed_at

from carrel.errors import RefusedError
from carrel.git.capturing.adopt import adopt
from carrel.git.capturing.subject import Subject
from carrel.git.restoring import placing, restore
from carrel.git.storing.stores import Stores
from carrel.system.processes import run
from carrel.testing.desk import Desk, make_desk
from carrel.testing.plain import PlainDriver


def apply(desk: Desk, commit: str) -> int:
    """Go to a commit from the present state, which is checkpointed first."""
    desk.capture()
    count = restore.apply(desk.subject, from_commit=desk.last, to_commit=commit)
    again = desk.capture(keep=False)
    assert again.tree == desk.stores.vault_reader.commit(commit).tree
    return count


class Inside(PlainDriver):
    """Shows its tree only to what it starts itself."""

    capabilities = replace(PlainDriver.capabilities, host_path=False)


def test_a_python_that_does_not_find_us_by_itself_is_told_where_we_are(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("README", b"changed")
    there = desk.capture().commit
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    inside = replace(desk.subject, driver=Inside())
    assert restore.apply(inside, from_commit=there, to_commit=desk.start) == 1
    assert (desk.tree / "README").read_bytes() == b"hello\n"


def test_there_and_back(desk: Desk) -> None:
    desk.write("new/deep/file", b"1", mode=0o755)
    desk.write("README", b"changed")
    shutil.rmtree(desk.tree / "src")
    (desk.tree / "link").symlink_to("README")
    there = desk.capture().commit
    assert apply(desk, desk.start) == 5
    assert not (desk.tree / "new").exists()
    assert not (desk.tree / "link").is_symlink()
    assert (desk.tree / "src/deep/er/file.txt").read_bytes() == b"deep\n"
    assert apply(desk, there) == 5
    assert os.access(desk.tree / "new/deep/file", os.X_OK)
    assert (desk.tree / "link").readlink() == Path("README")
    assert not (desk.tree / "src").exists()
    assert restore.apply(desk.subject, from_commit=there, to_commit=there) == 0


def test_changed_types(desk: Desk) -> None:
    shutil.rmtree(desk.tree / "src")
    (desk.tree / "src").symlink_to("docs")
    (desk.tree / "README").unlink()
    desk.write("README/a/b", b"1")
    (desk.tree / "docs/a.md").chmod(0o755)
    there = desk.capture().commit
    apply(desk, desk.start)
    assert (desk.tree / "README").read_bytes() == b"hello\n"
    apply(desk, there)
    assert (desk.tree / "src").is_symlink()


def test_only_what_differs_is_written(desk: Desk) -> None:
    desk.write("README", b"changed")
    desk.capture()
    before = {path: os.lstat(desk.tree / path) for path in ("docs/a.md", "src/main.py")}
    apply(desk, desk.start)
    assert {path: os.lstat(desk.tree / path) for path in before} == before


def test_the_occupants_git_is_untouched(desk: Desk) -> None:
    desk.write("staged", b"1")
    desk.git("add", "staged")

    def state() -> dict[str, bytes]:
        folder = desk.tree / ".git"
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = state()
    apply(desk, desk.start)
    assert state() == before
    assert desk.git("status", "--porcelain") == "AD staged"


def test_ignored_files_stay(desk: Desk) -> None:
    desk.write(".gitignore", b"*.log\n")
    first = desk.capture().commit
    desk.write("new/a.log", b"mine")
    desk.write("new/b", b"1")
    last = desk.capture().commit
    apply(desk, first)
    assert (desk.tree / "new/a.log").read_bytes() == b"mine"
    assert not (desk.tree / "new/b").exists()
    apply(desk, last)
    assert (desk.tree / "new/b").exists()


def test_an_ignored_file_in_the_way_is_never_overwritten(desk: Desk) -> None:
    desk.write("notes.log", b"recorded")
    recorded = desk.capture().commit
    (desk.tree / "notes.log").unlink()
    desk.write("README", b"changed")
    desk.capture()
    # The file is known to a checkpoint, so only the last one may forget it.
    desk.write(".gitignore", b"*.log\n")
    last = desk.capture().commit
    desk.write("notes.log", b"precious")
    with pytest.raises(RefusedError) as caught:
        restore.apply(desk.subject, from_commit=last, to_commit=recorded)
    assert caught.value.code in {"in_the_way", "changed_meanwhile"}
    assert (desk.tree / "notes.log").read_bytes() == b"precious"
    assert (desk.tree / "README").read_bytes() == b"changed"


@pytest.mark.parametrize("shape", ["file", "folder", "parent", "link", "fifo"])
def test_whatever_unknown_is_in_the_way_is_refused_up_front(desk: Desk, shape: str) -> None:
    orders = [
        placing.Order(b"README", placing.FILE, data=b"overwritten"),
        placing.Order(b"x/y", placing.FILE, had=False, data=b"new"),
    ]
    blocking = {"parent": "x", "folder": "x/y/z"}.get(shape, "x/y")
    if shape == "link":
        (desk.tree / "x").mkdir()
        (desk.tree / "x/y").symlink_to("/etc/passwd")
    elif shape == "fifo":
        (desk.tree / "x").mkdir()
        os.mkfifo(desk.tree / "x/y")
    else:
        desk.write(blocking, b"mine")
    found = placing.place(os.fsencode(desk.tree), orders)
    assert found.in_the_way == (blocking.encode(),)
    assert (desk.tree / "README").read_bytes() == b"hello\n"


def test_work_done_meanwhile_is_never_overwritten(desk: Desk) -> None:
    desk.write("README", b"checkpointed")
    last = desk.capture().commit
    desk.write("README", b"just now")
    with pytest.raises(RefusedError) as caught:
        restore.apply(desk.subject, from_commit=last, to_commit=desk.start)
    assert caught.value.code == "changed_meanwhile"
    assert (desk.tree / "README").read_bytes() == b"just now"


def test_a_half_done_move_is_completed(desk: Desk) -> None:
    desk.write("a", b"1")
    desk.write("README", b"2")
    (desk.tree / "docs/a.md").unlink()
    last = desk.capture().commit
    (desk.tree / "a").unlink()  # as if the first had been killed here
    assert restore.apply(desk.subject, from_commit=last, to_commit=desk.start) == 2
    assert (desk.tree / "README").read_bytes() == b"hello\n"


def test_nothing_is_written_through_a_link(desk: Desk) -> None:
    outside = Path(desk.subject.place.home).parent / "outside"
    outside.mkdir()
    (outside / "main.py").write_bytes(b"theirs")
    orders = [placing.Order(b"src/main.py", placing.FILE, had=True, data=b"ours")]
    shutil.rmtree(desk.tree / "src")
    (desk.tree / "src").symlink_to(outside)
    assert placing.place(os.fsencode(desk.tree), orders).in_the_way == (b"src",)
    assert (outside / "main.py").read_bytes() == b"theirs"


def test_line_ends_are_written_as_git_would(tmp_path: Path) -> None:
    desk = make_desk(
        tmp_path,
        {".gitattributes": b"*.bat eol=crlf\n*.id ident\n*.u working-tree-encoding=UTF-16LE-BOM\n"},
    )
    desk.write("sub/a.bat", b"1\r\n2\r\n")
    desk.write("b.id", b"$Id$\n")
    desk.write("c.u", b"\xff\xfe" + "x\n".encode("utf-16-le"))
    there = desk.capture().commit
    apply(desk, desk.start)
    apply(desk, there)
    assert (desk.tree / "sub/a.bat").read_bytes() == b"1\r\n2\r\n"
    assert (desk.tree / "b.id").read_bytes().startswith(b"$Id: ")
    assert (desk.tree / "c.u").read_bytes() == b"\xff\xfe" + "x\n".encode("utf-16-le")
    desk.stores.close()


def test_a_smudge_filter_is_not_run(desk: Desk) -> None:
    mark = Path(desk.subject.place.home) / "sprung"
    desk.write(".gitattributes", b"*.x filter=evil eol=lf\n")
    desk.write("a.x", b"1\n")
    there = desk.capture().commit
    (desk.tree / "a.x").unlink()
    desk.capture()
    desk.git("config", "filter.evil.smudge", f"touch '{mark}'; cat")
    apply(desk, there)
    assert not mark.exists()
    desk.git("add", "a.x")
    (desk.tree / "a.x").unlink()
    desk.git("checkout", "--", "a.x")
    assert mark.exists(), "plain git runs it"


def test_the_branch_advances_with_index_and_objects(desk: Desk) -> None:
    desk.write("README", b"changed\n")
    desk.write("new", b"1\n")
    there = desk.capture().commit
    restore.advance_branch(desk.subject, there)
    assert desk.git("rev-parse", "HEAD") == there
    assert desk.git("symbolic-ref", "HEAD") == "refs/heads/carrel/ada"
    assert desk.git("status", "--porcelain") == ""
    desk.git("fsck", "--full", "--strict")
    desk.git("commit", "-q", "--allow-empty", "-m", "on")
    restore.advance_branch(desk.subject, there)
    assert desk.git("rev-parse", "HEAD") == there


def test_the_index_keeps_what_it_knows_about_files(desk: Desk) -> None:
    desk.git("update-index", "--refresh")
    before = desk.git("ls-files", "--debug", "docs/a.md")
    desk.write("README", b"changed\n")
    restore.advance_branch(desk.subject, desk.capture().commit)
    assert desk.git("ls-files", "--debug", "docs/a.md") == before


def test_an_occupant_on_another_branch_keeps_its_index(desk: Desk) -> None:
    desk.git("checkout", "-q", "-b", "mine")
    desk.write("new", b"1\n")
    there = desk.capture().commit
    index = (desk.tree / ".git/index").read_bytes()
    restore.advance_branch(desk.subject, there)
    assert desk.git("rev-parse", "carrel/ada") == there
    assert desk.git("rev-parse", "HEAD") == desk.start
    assert (desk.tree / ".git/index").read_bytes() == index


@pytest.mark.parametrize("name", ["index", "refs/heads/carrel/ada"])
def test_a_git_process_at_work_is_waited_for_by_the_caller(desk: Desk, name: str) -> None:
    desk.write("new", b"1\n")
    there = desk.capture().commit
    lock = desk.tree / f".git/{name}.lock"
    lock.write_bytes(b"theirs")
    with pytest.raises(RefusedError) as caught:
        restore.advance_branch(desk.subject, there)
    assert caught.value.code == "git_busy"
    assert desk.git("rev-parse", "HEAD") == desk.start
    assert lock.read_bytes() == b"theirs"
    other = {"index": "refs/heads/carrel/ada"}.get(name, "index")
    assert not (desk.tree / f".git/{other}.lock").exists()
    lock.unlink()
    restore.advance_branch(desk.subject, there)
    assert desk.git("rev-parse", "HEAD") == there


POINTS = [
    "apply.planned", "place.locked", "place.removed", "place.unlinked", "place.temporary",
    "place.temporary:1", "apply.placed",
]  # fmt: skip
ADVANCING = [
    "place.locking", "place.locking:1", "place.locked", "place.temporary", "place.unlocking",
    "place.unlocking:1", "advance.placed",
]  # fmt: skip


def killed(desk: Desk, point: str, what: Callable[[Subject], object]) -> None:
    subject = replace(desk.subject, stores=Stores(desk.stores.home))
    killed_at(point, lambda: what(subject))


@pytest.mark.crash
@pytest.mark.parametrize("point", POINTS)
def test_a_move_killed_anywhere_is_completed_by_the_next(desk: Desk, point: str) -> None:
    shutil.rmtree(desk.tree / "src")
    desk.write("src", b"a file")
    (desk.tree / "README").unlink()
    desk.write("README/inner", b"1")
    desk.write("x", b"1")
    last = desk.capture().commit
    killed(desk, point, lambda it: restore.apply(it, from_commit=last, to_commit=desk.start))
    restore.apply(desk.subject, from_commit=last, to_commit=desk.start)
    assert desk.capture(keep=False).tree == desk.stores.vault_reader.commit(desk.start).tree
    assert [path.name for path in (desk.tree / ".git").glob(".carrel*")] == []


@pytest.mark.crash
@pytest.mark.parametrize("point", ADVANCING)
def test_an_advance_killed_anywhere_gives_way_to_another(desk: Desk, point: str) -> None:
    desk.write("new", b"1\n")
    first = desk.capture().commit
    killed(desk, point, lambda it: restore.advance_branch(it, first))
    desk.write("new", b"2\n")
    second = desk.capture().commit
    restore.advance_branch(desk.subject, second)
    assert desk.git("rev-parse", "HEAD") == second
    assert desk.git("status", "--porcelain") == ""
    assert list((desk.tree / ".git").rglob("*.lock")) == []


def test_a_missing_git_folder_is_refused(desk: Desk) -> None:
    shutil.rmtree(desk.tree / ".git")
    with pytest.raises(RefusedError) as caught:
        restore.advance_branch(desk.subject, desk.start)
    assert caught.value.code == "git_folder_gone"
    assert apply(desk, desk.start) == 0


def test_a_linked_git_folder_is_not_written_through(desk: Desk) -> None:
    desk.write("new", b"1\n")
    there = desk.capture().commit
    outside = Path(desk.subject.place.home).parent / "outside"
    shutil.move(desk.tree / ".git", outside)
    (desk.tree / ".git").symlink_to(outside)
    before = sorted(outside.rglob("*"))
    with pytest.raises(RefusedError):
        restore.advance_branch(desk.subject, there)
    assert sorted(outside.rglob("*")) == before


def test_orders_can_be_carried_out_by_another_process(desk: Desk) -> None:
    file = f"{desk.subject.place.home}/orders"
    orders = [
        placing.Order(b"README", placing.NOTHING),
        placing.Order(b"\xff\n", placing.FILE, had=False, data=b"1"),
    ]
    placing.write_orders(file, orders)
    command = [sys.executable, "-P", "-m", "carrel.git.restoring.placing", str(desk.tree), file]
    assert run(command).out == b'{"in_the_way": [], "locked": []}'
    assert not (desk.tree / "README").exists()
    assert (desk.tree / "\udcff\n").read_bytes() == b"1"
    desk.write("\udcff\n", b"2")
    assert b'"in_the_way": ["\\udcff\\n"]' in run(command).out


NAMES = st.sampled_from(["a", "b", "d", "e"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.sampled_from([b"1", b"2", None]), max_size=6)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(first=TREES, second=TREES)
def test_any_tree_becomes_any_other(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, bytes | None],
    second: dict[str, bytes | None],
) -> None:
    desk = make_desk(tmp_path_factory.mktemp("any"), {"a": b"0", "d/e": b"0"})
    _become(desk, first)
    one = desk.capture(allow_empty=True).commit
    _become(desk, second)
    desk.capture()
    apply(desk, one)
    apply(desk, desk.start)
    apply(desk, one)
    adopt(desk.subject)
    desk.stores.close()


def _become(desk: Desk, files: dict[str, bytes | None]) -> None:
    for path in desk.tree.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, data in sorted(files.items()):
        above = [desk.tree / "/".join(name.split("/")[:depth]) for depth in (1, 2)]
        if any(one.is_symlink() or one.is_file() for one in above) or (desk.tree / name).exists():
            continue
        desk.write(name, data or b"")
        if data is None:
            (desk.tree / name).unlink()
            (desk.tree / name).symlink_to("somewhere")
