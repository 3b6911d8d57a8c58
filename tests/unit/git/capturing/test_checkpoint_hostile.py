"""Checkpoints of trees that want to do harm. Each trap is first shown to spring with plain git."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from carrel.domain.delta import Folder
from carrel.domain.workspaces import Place
from carrel.errors import FailedError, RefusedError
from carrel.git import refs
from carrel.system.processes import run
from carrel.testing.desk import Desk, git, make_desk
from carrel.testing.plain import PlainDriver


def trap(desk: Desk, name: str) -> tuple[str, Path]:
    """Return a command that leaves a mark, and the mark."""
    mark = Path(desk.subject.place.home) / f"sprung-{name}"
    script = Path(desk.subject.place.home) / f"trap-{name}"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    script.chmod(0o755)
    return str(script), mark


def springs(desk: Desk, mark: Path, *command: str) -> bool:
    """Run plain git and tell whether the trap sprang; disarm it."""
    run(["git", *command], cwd=str(desk.tree), env={"PATH": os.environ["PATH"]}, timeout=20)
    sprung = mark.exists()
    mark.unlink(missing_ok=True)
    return sprung


def test_a_filter_is_not_run(desk: Desk) -> None:
    command, mark = trap(desk, "clean")
    desk.git("config", "filter.evil.clean", command)
    desk.write(".gitattributes", b"* filter=evil\n")
    desk.write("bait", b"raw\n")
    assert springs(desk, mark, "add", "-A")
    captured = desk.capture()
    assert not mark.exists()
    assert desk.files(captured.tree)["bait"] == ("100644", b"raw\n")
    assert ("bait", "stored as it is on disk: the filter 'evil' is not run") in captured.skipped


@pytest.mark.parametrize("how", ["plain", "include"])
def test_fsmonitor_and_included_settings_are_not_obeyed(desk: Desk, how: str) -> None:
    command, mark = trap(desk, how)
    if how == "include":
        (desk.tree / ".git/more").write_text(f"[core]\n\tfsmonitor = {command}\n")
        desk.git("config", "include.path", "more")
    else:
        desk.git("config", "core.fsmonitor", command)
    desk.write(".gitignore", b"*.log\n")
    desk.write("bait", b"x\r\n")
    desk.write(".gitattributes", b"* text=auto\n")
    assert springs(desk, mark, "status")
    assert "bait" in desk.files(desk.capture().tree)
    assert not mark.exists()


def test_hooks_and_signing_are_not_run(desk: Desk) -> None:
    command, mark = trap(desk, "hook")
    hook = desk.tree / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    shutil.copy(command, hook)
    desk.git("config", "commit.gpgSign", "true")
    desk.git("config", "gpg.program", command)
    desk.write("bait", b"x")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    assert springs(desk, mark, *who, "commit", "--allow-empty", "-m", "x")
    desk.capture()
    assert not mark.exists()


def test_special_files_are_named_and_never_opened(desk: Desk) -> None:
    os.mkfifo(desk.tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(desk.tree)
        listener.bind("socket")
        os.chdir(here)
    desk.write("bait", b"x")
    # Plain git opens a FIFO that it is asked to hash, and hangs.
    with pytest.raises(FailedError, match="no answer"):
        run(["git", "hash-object", "pipe"], cwd=str(desk.tree), timeout=0.5)
    captured = desk.capture()
    assert [path for path, _ in captured.skipped] == ["pipe", "socket"]
    assert "bait" in desk.files(captured.tree)


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
def test_a_fifo_instead_of_a_rule_file_holds_nobody_up(desk: Desk, name: str) -> None:
    os.mkfifo(desk.tree / name)
    desk.write("new/bait", b"x\r\n")
    with pytest.raises(FailedError, match="no answer"):
        run(["git", "add", "-A"], cwd=str(desk.tree), timeout=1)
    captured = desk.capture()
    assert desk.files(captured.tree)["new/bait"][1] == b"x\r\n"
    assert captured.skipped[0][0] == name


def test_a_fifo_in_the_place_of_the_index_or_the_excludes(desk: Desk) -> None:
    desk.write(".gitignore", b"*.log\n")
    desk.write("x.log", b"")
    (desk.tree / ".git/index").unlink()
    os.mkfifo(desk.tree / ".git/index")
    (desk.tree / ".git/info").mkdir(exist_ok=True)
    os.mkfifo(desk.tree / ".git/info/exclude")
    assert set(desk.files(desk.capture().tree)) & {"x.log", ".gitignore"} == {".gitignore"}


class Swapping(PlainDriver):
    """Swaps a folder for a link to a secret one after the tree was looked at."""

    def __init__(self, secret: Path) -> None:
        self.secret = secret
        self.armed = True

    def delta(self, place: Place, lowers: object, prune: object) -> Folder:
        found = super().delta(place, lowers, prune)  # type: ignore[arg-type]
        if self.armed:
            self.armed = False
            shutil.rmtree(f"{place.tree}/sub")
            Path(f"{place.tree}/sub").symlink_to(self.secret)
        return found


def test_a_folder_swapped_for_a_link_leaks_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_bytes(b"password")
    desk = make_desk(tmp_path, {"a": b"1"}, driver=Swapping(secret))
    desk.write("sub/file", b"harmless")
    captured = desk.capture()
    assert desk.files(captured.tree)["sub"] == ("120000", os.fsencode(secret))
    assert "sub/file" not in desk.files(captured.tree)
    desk.stores.close()


class Restless(PlainDriver):
    """A tree in which a file is a folder whenever it is read."""

    def delta(self, place: Place, lowers: object, prune: object) -> Folder:
        path = Path(f"{place.tree}/x")
        if path.is_dir():
            path.rmdir()
        path.write_bytes(b"1")
        found = super().delta(place, lowers, prune)  # type: ignore[arg-type]
        path.unlink()
        path.mkdir()
        return found


def test_a_tree_that_never_rests_is_refused_by_name(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"a": b"1"}, driver=Restless())
    with pytest.raises(RefusedError, match="'x' changes faster"):
        desk.capture()
    assert refs.listing(desk.stores.vault, "refs/carrel/") == {}
    desk.stores.close()


class Vanishing(PlainDriver):
    """A tree from which a temporary file is gone whenever it is read."""

    def delta(self, place: Place, lowers: object, prune: object) -> Folder:
        Path(f"{place.tree}/temporary").write_bytes(b"1")
        found = super().delta(place, lowers, prune)  # type: ignore[arg-type]
        Path(f"{place.tree}/temporary").unlink()
        return found


def test_a_file_that_vanishes_counts_as_deleted(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"a": b"1"}, driver=Vanishing())
    desk.write("stays", b"1")
    assert set(desk.files(desk.capture().tree)) == {"a", "stays"}
    desk.stores.close()


@pytest.mark.parametrize("name", [".GIT/config", ".git /hooks/x", "git~1/config", ".g\u200cit/x"])
def test_names_that_could_be_gits_own_folder_are_left_out(desk: Desk, name: str) -> None:
    desk.write(f"sub/{name}", b"[core]\n")
    desk.write("sub/fine", b"1")
    captured = desk.capture()
    assert [path for path in desk.files(captured.tree) if path.startswith("sub/")] == ["sub/fine"]
    assert captured.skipped[0][0] == f"sub/{name.partition('/')[0]}"


def test_a_linked_list_of_submodules_is_left_out(desk: Desk) -> None:
    desk.write("mine", b'[submodule "x"]\n')
    (desk.tree / ".gitmodules").symlink_to("mine")
    captured = desk.capture()
    assert ".gitmodules" not in desk.files(captured.tree)
    assert captured.skipped == (
        (".gitmodules", "git refuses a '.gitmodules' that is a symbolic link"),
    )


def test_a_git_folder_that_is_no_repository_hides_nothing_but_itself(desk: Desk) -> None:
    desk.write("x/.git/config", b"[core]\n")
    desk.write("x/file", b"1")
    captured = desk.capture()
    assert [path for path in desk.files(captured.tree) if path.startswith("x/")] == ["x/file"]
    assert captured.skipped == (("x/.git", "a folder of git itself is never recorded"),)


@pytest.mark.parametrize("how", ["folder", "file"])
def test_a_repository_inside_is_named_and_left_out(desk: Desk, how: str) -> None:
    inner = desk.tree / "deep/inner"
    inner.mkdir(parents=True)
    options = ["--separate-git-dir", str(desk.tree / ".git/elsewhere")] if how == "file" else []
    git(inner, "init", "-q", *options, ".")
    desk.write("deep/inner/file", b"1")
    desk.write("deep/other", b"1")
    captured = desk.capture()
    assert [one for one in desk.files(captured.tree) if one.startswith("deep")] == ["deep/other"]
    assert [path for path, _ in captured.skipped] == ["deep/inner/"]


def test_an_ignored_repository_is_not_worth_a_line(desk: Desk) -> None:
    desk.write(".gitignore", b"vendor/\n")
    (desk.tree / "vendor/lib").mkdir(parents=True)
    git(desk.tree / "vendor/lib", "init", "-q", ".")
    assert desk.capture().skipped == ()


def test_a_repository_made_of_tracked_files_hides_nothing(desk: Desk) -> None:
    git(desk.tree / "src", "init", "-q", ".")
    desk.write("src/new", b"1")
    files = desk.files(desk.capture().tree)
    assert {"src/new", "src/main.py", "src/deep/er/file.txt"} <= set(files)


def test_a_tree_without_its_git_folder_is_still_recorded(desk: Desk) -> None:
    shutil.rmtree(desk.tree / ".git")
    (desk.tree / ".git").symlink_to("/")
    desk.write(".gitignore", b"*.log\n")
    desk.write("x.log", b"")
    desk.write("bait", b"1")
    assert {"bait", ".gitignore"} <= set(desk.files(desk.capture().tree))


def test_an_unreadable_file_is_named_and_nothing_is_recorded(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"a": b"1"})
    desk.write("locked", b"1", mode=0)
    if os.geteuid() == 0:
        desk.subject.place  # root reads everything: the error is made below  # noqa: B018
        _as_somebody(desk)
        return
    with pytest.raises(RefusedError) as caught:
        desk.capture()
    assert caught.value.code == "file_unreadable"
    desk.stores.close()


def _as_somebody(desk: Desk) -> None:
    """Take the checkpoint without root's right to read everything."""
    place = desk.subject.place
    top = Path(place.home).parent
    for folder in [*Path(top).parents][:-1]:
        if folder.owner() == "root" and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    top.chmod(0o755)
    for path in [Path(place.home), *Path(place.home).rglob("*"), *Path(place.vault).rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.chown(place.vault, 65534, 65534)
    desk.stores.close()
    os.seteuid(65534)
    try:
        with pytest.raises(RefusedError, match="'locked' can't be read"):
            desk.capture()
    finally:
        os.seteuid(0)
        desk.stores.close()
