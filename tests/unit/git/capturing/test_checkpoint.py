"""Checkpoints: the whole state as a commit."""

import os
import shutil
from pathlib import Path

import pytest

from carrel.errors import RefusedError
from carrel.git import refs
from carrel.git.capturing.checkpoint import commit_data, record
from carrel.testing.desk import WHEN, Desk, make_desk


def test_created_changed_and_deleted_files(desk: Desk) -> None:
    desk.write("new/deep/file", b"new\n")
    desk.write("README", b"other\n")
    (desk.tree / "docs/a.md").unlink()
    captured = desk.capture()
    files = desk.files(captured.tree)
    assert files["new/deep/file"] == ("100644", b"new\n")
    assert files["README"] == ("100644", b"other\n")
    assert "docs/a.md" not in files
    assert files["src/main.py"] == ("100644", b"print(1)\n")
    assert captured.files_changed == 3
    assert not captured.empty
    assert captured.parents == (desk.start,)
    assert captured.skipped == ()


def test_what_was_created_checkpointed_and_deleted_stays_deleted(desk: Desk) -> None:
    new = desk.write("new", b"x")
    assert "new" in desk.files(desk.capture().tree)
    new.unlink()
    captured = desk.capture()
    assert "new" not in desk.files(captured.tree)
    assert captured.files_changed == 1


def test_an_edit_of_the_same_size_and_time_is_seen(desk: Desk) -> None:
    file = desk.tree / "README"
    before = file.stat()
    file.write_bytes(b"jello\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert desk.files(desk.capture().tree)["README"][1] == b"jello\n"


def test_modes_links_and_changed_types(desk: Desk) -> None:
    (desk.tree / "README").chmod(0o755)
    (desk.tree / "docs/a.md").unlink()
    (desk.tree / "docs/a.md").symlink_to("b.md")
    shutil.rmtree(desk.tree / "src")
    desk.write("src", b"a file now")
    (desk.tree / "docs/b.md").unlink()
    desk.write("docs/b.md/inner", b"a folder now")
    (desk.tree / "dangling").symlink_to("/nowhere/at all")
    files = desk.files(desk.capture().tree)
    assert files == {
        "README": ("100755", b"hello\n"),
        "docs/a.md": ("120000", b"b.md"),
        "docs/b.md/inner": ("100644", b"a folder now"),
        "src": ("100644", b"a file now"),
        "dangling": ("120000", b"/nowhere/at all"),
    }


def test_any_bytes_in_a_name(desk: Desk) -> None:
    names = [
        b"new\nline",
        b'quo"te',
        b"\xff\xfe",
        b"-n",
        b" lead",
        b"tab\t",
        b"\xe2\x82\xac",
        b":x",
    ]
    for name in names:
        desk.write(b"odd/" + name, name)
    captured = desk.capture()
    files = desk.files(captured.tree)
    assert {os.fsencode(path) for path in files if path.startswith("odd/")} == {
        b"odd/" + name for name in names
    }
    assert captured.tree == desk.oracle()


def test_empty_folders_are_not_recorded(desk: Desk) -> None:
    (desk.tree / "empty/inner").mkdir(parents=True)
    captured = desk.capture()
    assert captured.empty
    assert captured.commit == desk.start


def test_nothing_changed_makes_no_commit_unless_asked(desk: Desk) -> None:
    assert desk.capture().commit == desk.start
    marked = desk.capture(allow_empty=True)
    assert marked.empty
    assert marked.parents == (desk.start,)
    assert marked.commit != desk.start
    assert desk.capture().commit == marked.commit


def test_equal_states_give_equal_commits(desk: Desk) -> None:
    desk.write("x", b"1")
    assert desk.capture(keep=False) == desk.capture(keep=False)


def test_the_occupants_git_is_untouched(desk: Desk) -> None:
    desk.write("staged", b"1")
    desk.git("add", "staged")
    desk.write("README", b"edited")

    def state() -> dict[str, bytes]:
        folder = desk.tree / ".git"
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    before = state()
    desk.capture()
    assert state() == before


def test_parents_follow_the_occupants_own_commits(desk: Desk) -> None:
    desk.write("own", b"1")
    desk.git("add", "-A")
    desk.git("commit", "-q", "-m", "own")
    own = _brought(desk, "HEAD")
    same = desk.capture(head=own)
    assert same.commit == own, "the occupant's own commit says it all"
    desk.write("more", b"2")
    first = desk.capture(head=own)
    assert first.parents == (own,)
    desk.git("commit", "-q", "--allow-empty", "-m", "later")
    later = _brought(desk, "HEAD")
    both = desk.capture(head=later)
    assert both.parents == (first.commit, later)


def test_a_head_that_left_the_start_behind_does_not_count(desk: Desk) -> None:
    desk.git("checkout", "-q", "--orphan", "elsewhere")
    desk.git("commit", "-q", "-m", "unrelated")
    head = _brought(desk, "HEAD")
    desk.write("x", b"1")
    assert desk.capture(head=head).parents == (desk.start,)


def test_too_large_files_are_all_named_and_nothing_is_recorded(desk: Desk) -> None:
    desk.write("big one", b"x" * 2001)
    desk.write("sub/big two", b"x" * 3000)
    desk.write("small", b"x" * 2000)
    with pytest.raises(RefusedError) as caught:
        desk.capture(most=2000)
    assert caught.value.code == "file_too_large"
    assert "'big one' (2,001 bytes)" in caught.value.what
    assert "'sub/big two'" in caught.value.what
    assert "'small'" not in caught.value.what
    assert refs.listing(desk.stores.vault, "refs/carrel/") == {}


def test_a_large_file_that_git_has_already_is_no_obstacle(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"big": b"b" * 5000})
    (desk.tree / "big").chmod(0o755)
    assert desk.files(desk.capture(most=1000).tree)["big"] == ("100755", b"b" * 5000)
    desk.stores.close()


def test_a_record_moves_both_references_or_none(desk: Desk) -> None:
    desk.write("x", b"1")
    first = desk.capture(keep=False)
    record(desk.stores, "ws-1", number=1, commit=first.commit, previous="")
    record(desk.stores, "ws-1", number=1, commit=first.commit, previous="")
    desk.write("x", b"2")
    second = desk.capture(keep=False)
    with pytest.raises(RefusedError) as caught:
        record(desk.stores, "ws-1", number=2, commit=second.commit, previous=desk.start)
    assert caught.value.code == "checkpoint_raced"
    assert refs.listing(desk.stores.vault, "refs/carrel/ws/ws-1/") == {
        "refs/carrel/ws/ws-1/head": first.commit,
        "refs/carrel/ws/ws-1/checkpoint/1": first.commit,
    }
    record(desk.stores, "ws-1", number=2, commit=second.commit, previous=first.commit)


def test_a_commit_object_holds_what_it_must(desk: Desk) -> None:
    data = commit_data("t", ("p",), "One\n\nTwo\n\n", WHEN, ("Ada <x>\n", "a@b>"))
    assert data == (
        b"tree t\nparent p\nauthor Ada x <a@b> 1772366400 +0000\n"
        b"committer Ada x <a@b> 1772366400 +0000\n\nOne\n\nTwo\n"
    )


def test_the_vault_stays_sound(desk: Desk) -> None:
    desk.write("a/b/c", b"1")
    desk.capture()
    desk.write("a/b/d", b"2")
    desk.capture()
    desk.stores.vault.run("fsck", "--full", "--strict", "--no-dangling")


def test_everything_at_once_is_what_git_would_record(desk: Desk) -> None:
    desk.write("src/deep/er/other", b"1", mode=0o755)
    shutil.move(desk.tree / "docs", desk.tree / "papers")
    (desk.tree / "link").symlink_to("papers")
    assert desk.capture().tree == desk.oracle()


def _brought(desk: Desk, revision: str) -> str:
    """Copy an own commit into the vault, as adopting does."""
    oid = desk.git("rev-parse", revision)
    pack = desk.git_bytes("pack-objects", "--revs", "--stdout", "-q", stdin=f"{oid}\n".encode())
    desk.stores.vault.run("index-pack", "--stdin", stdin=pack)
    return oid


def test_what_is_too_large_is_left_out_when_told_so(desk: Desk) -> None:
    desk.write("big", b"x" * 2001)
    desk.write("README", b"x" * 2001)
    desk.write("small", b"s")
    made = desk.capture(most=2000, leave_out=True)
    assert [path for path, _ in made.skipped] == ["README", "big"]
    files = desk.files(made.tree)
    assert files["README"] == ("100644", b"hello\n")
    assert (files["small"], "big" in files) == (("100644", b"s"), False)
