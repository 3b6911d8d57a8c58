"""What changed since a commit, committed or not."""

import os
import shutil
from pathlib import Path

import pytest

from carrel.domain.results import WorkspaceChanges
from carrel.errors import NotFoundError, RefusedError
from carrel.git.capturing.adopt import adopt
from carrel.git.capturing.changes import changes
from carrel.system.processes import run
from carrel.testing.desk import Desk, make_desk


def look(desk: Desk, *, since: str = "", diff: bool = False, most: int = 10**6) -> WorkspaceChanges:
    return changes(
        desk.subject, since=since or desk.start, last=desk.last, max_file_bytes=most, diff=diff
    )


def test_nothing(desk: Desk) -> None:
    found = look(desk, diff=True)
    assert found.total_changes == 0
    assert set(found.stats.values()) == {0}
    assert found.detailed_diff == ""
    assert found.since_commit == desk.start


def test_every_kind_of_change(tmp_path: Path) -> None:
    text = b"".join(b"line %d\n" % number for number in range(40))
    desk = make_desk(
        tmp_path,
        {"edit": b"1\n2\n", "gone": b"g\n", "moved": text, "copied": text + b"c\n", "mode": b"m\n",
         "type": b"t\n", "both": b"b\n", "bin": b"\0\1"},
    )  # fmt: skip
    desk.write("edit", b"1\n3\n4\n")
    (desk.tree / "gone").unlink()
    shutil.move(desk.tree / "moved", desk.tree / "moved to")
    desk.write("copy", text + b"c\n")
    desk.write("copied", text + b"changed\n")
    (desk.tree / "mode").chmod(0o755)
    (desk.tree / "type").unlink()
    (desk.tree / "type").symlink_to("edit")
    desk.write("both", b"b2\n", mode=0o755)
    desk.write("bin", b"\0\2")
    desk.write("new", b"n\n")
    found = look(desk)
    assert found.files_created == ["new"]
    assert found.files_deleted == ["gone"]
    assert found.files_modified == ["bin", "both", "copied", "edit", "mode", "type"]
    assert found.files_renamed == [("moved", "moved to")]
    assert found.files_copied == [("copied", "copy")]
    assert found.files_type_changed == ["type"]
    assert found.files_mode_changed == ["both", "mode"]
    assert found.total_changes == 10
    assert found.stats == {
        "insertions": 6, "deletions": 5, "created": 1, "modified": 6, "deleted": 1, "renamed": 1,
        "copied": 1, "type_changed": 1, "mode_changed": 2, "binary": 1,
    }  # fmt: skip
    desk.stores.close()


def test_committed_and_uncommitted_work_count_together(desk: Desk) -> None:
    desk.write("committed", b"1\n")
    desk.git("add", "-A")
    desk.git("commit", "-q", "-m", "own")
    own = desk.git("rev-parse", "HEAD")
    desk.write("uncommitted", b"2\n")
    assert look(desk).files_created == ["committed", "uncommitted"]
    adopt(desk.subject)
    assert look(desk, since=own).files_created == ["uncommitted"]


def test_names_of_any_bytes(desk: Desk) -> None:
    names = [b"new\nline", b'quo"te', b"\xff\xfe", b"tab\t", b"\xe2\x82\xac", b":x"]
    for name in names:
        desk.write(name, name)
    shutil.move(desk.tree / "README", os.fsencode(desk.tree) + b"/R\xff\nM")
    found = look(desk)
    assert [os.fsencode(path) for path in found.files_created] == sorted(names)
    assert found.files_renamed == [("README", "R\udcff\nM")]


def test_the_diff_can_be_applied(desk: Desk) -> None:
    desk.write("README", b"hello\nyou\n")
    desk.write("sub/new", b"new\n")
    (desk.tree / "docs/a.md").unlink()
    found = look(desk, diff=True)
    assert found.detailed_diff is not None
    patch = found.detailed_diff.encode("utf-8", "surrogateescape")
    desk.git("stash", "-q", "-u")
    desk.git("apply", "-", stdin=patch)
    assert desk.oracle() == desk.capture().tree
    assert (desk.tree / "README").read_bytes() == b"hello\nyou\n"
    assert not (desk.tree / "docs/a.md").exists()


def test_external_diffs_and_text_converters_are_not_run(desk: Desk) -> None:
    mark = Path(desk.subject.place.home) / "sprung"
    script = Path(desk.subject.place.home) / "trap"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\necho harmless\n")
    script.chmod(0o755)
    for key in ("diff.external", "diff.evil.textconv", "diff.evil.command"):
        desk.git("config", key, str(script))
    desk.write(".gitattributes", b"* diff=evil\n")
    desk.write("README", b"changed\n")
    run(["git", "diff"], cwd=str(desk.tree), env={"PATH": os.environ["PATH"]}, timeout=20)
    assert mark.exists(), "plain git runs it"
    mark.unlink()
    found = look(desk, diff=True)
    assert found.detailed_diff is not None
    assert "+changed" in found.detailed_diff
    assert not mark.exists()


def test_nothing_stays_behind(desk: Desk) -> None:
    def state() -> dict[str, bytes]:
        folders = (desk.subject.place.vault, desk.subject.place.home)
        files = (file for folder in folders for file in Path(folder).rglob("*"))
        return {str(file): file.read_bytes() for file in files if file.is_file()}

    desk.write("new", b"1\r\n")
    desk.write(".gitattributes", b"* text\n")
    desk.write(".gitignore", b"*.log\n")
    before = state()
    assert look(desk, diff=True).total_changes == 3
    assert state() == before


def test_an_unknown_commit_is_refused(desk: Desk) -> None:
    for name in ("0" * 40, "nonsense", "HEAD:README", "a\nb", "--all"):
        with pytest.raises(NotFoundError):
            look(desk, since=name)


def test_a_file_above_the_limit_is_refused_by_name(desk: Desk) -> None:
    desk.write("big", b"x" * 200)
    with pytest.raises(RefusedError, match="big"):
        look(desk, most=100)
