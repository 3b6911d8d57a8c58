"""Git directories that want to do harm; each trap is first shown to spring with plain git."""

import os
import shutil
from pathlib import Path

import pytest

from carrel.errors import FailedError, RefusedError
from carrel.git import refs
from carrel.git.capturing.adopt import adopt
from carrel.system.processes import run
from carrel.testing.desk import Desk, git


def commit(desk: Desk, name: str = "own") -> str:
    desk.write(name, name.encode())
    desk.git("add", name)
    desk.git("commit", "-q", "-m", name)
    return desk.git("rev-parse", "HEAD")


def stranger(desk: Desk) -> tuple[Path, str]:
    """Return a repository that the workspace has nothing to do with, and its commit."""
    place = Path(desk.subject.place.home).parent / "stranger"
    place.mkdir()
    git(place, "init", "-q", ".")
    (place / "secret").write_bytes(b"password\n")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "secret")
    return place, git(place, "rev-parse", "HEAD").decode().strip()


def holds(desk: Desk, oid: str) -> bool:
    return desk.stores.vault_reader.info(oid) is not None


def test_a_foreign_alternate_is_refused(desk: Desk) -> None:
    place, secret = stranger(desk)
    commit(desk)
    with (desk.tree / ".git/objects/info/alternates").open("a") as file:
        file.write(f"{place}/.git/objects\n")
    desk.git("update-ref", "refs/heads/theirs", secret)
    # Plain git hands the stranger's objects over.
    probe = Path(desk.subject.place.home).parent / "probe.git"
    git(probe.parent, "init", "-q", "--bare", str(probe))
    git(probe, "fetch", "-q", str(desk.tree), "refs/heads/theirs")
    assert git(probe, "cat-file", "-t", secret).strip() == b"commit"
    with pytest.raises(RefusedError) as caught:
        adopt(desk.subject)
    assert caught.value.code == "foreign_alternate"
    assert not holds(desk, secret)
    assert refs.listing(desk.stores.vault, "refs/carrel/") == {}


@pytest.mark.parametrize("how", ["objects", "fanout", "file", "pack", "info", "http"])
def test_links_to_a_strangers_objects_are_refused(desk: Desk, how: str) -> None:
    place, secret = stranger(desk)
    commit(desk)
    own, theirs = desk.tree / ".git/objects", place / ".git/objects"
    if how == "objects":
        shutil.move(own, own.with_name("real"))
        own.symlink_to(theirs)
    elif how == "fanout":
        shutil.rmtree(own / secret[:2], ignore_errors=True)
        (own / secret[:2]).symlink_to(theirs / secret[:2])
    elif how == "file":
        (own / secret[:2]).mkdir(exist_ok=True)
        (own / secret[:2] / secret[2:]).symlink_to(theirs / secret[:2] / secret[2:])
    elif how == "pack":
        git(place, "repack", "-a", "-d", "-q")
        shutil.rmtree(own / "pack", ignore_errors=True)
        (own / "pack").symlink_to(theirs / "pack")
    elif how == "info":
        shutil.rmtree(own / "info")
        (theirs / "info").mkdir(exist_ok=True)
        (theirs / "info/alternates").write_text(f"{theirs}\n")
        (own / "info").symlink_to(theirs / "info")
    else:
        (own / "info/http-alternates").write_text("http://127.0.0.1/\n")
    (desk.tree / ".git/refs/heads/theirs").write_text(f"{secret}\n")
    if how not in {"info", "http"}:
        assert desk.git("cat-file", "-t", secret) == "commit", "plain git reads it"
    with pytest.raises(RefusedError) as caught:
        adopt(desk.subject)
    assert caught.value.code == "foreign_alternate"
    assert not holds(desk, secret)


def test_settings_hooks_and_aliases_are_not_obeyed(desk: Desk) -> None:
    mark = Path(desk.subject.place.home) / "sprung"
    script = Path(desk.subject.place.home) / "trap"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    script.chmod(0o755)
    head = commit(desk)
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook"):
        desk.git("config", key, str(script))
    desk.git("config", "core.hooksPath", str(script.parent))
    run(["git", "status"], cwd=str(desk.tree), env={"PATH": os.environ["PATH"]}, timeout=20)
    assert mark.exists(), "plain git runs it"
    mark.unlink()
    with (desk.tree / ".git/config").open("a") as file:
        file.write("[core\nbroken")
    assert adopt(desk.subject).head == head
    assert not mark.exists()


def test_a_fifo_among_the_references_holds_nobody_up(desk: Desk) -> None:
    head = commit(desk)
    os.mkfifo(desk.tree / ".git/refs/heads/pipe")
    (desk.tree / ".git/ORIG_HEAD").unlink(missing_ok=True)
    os.mkfifo(desk.tree / ".git/ORIG_HEAD")
    with pytest.raises(FailedError, match="no answer"):
        run(["git", "for-each-ref"], cwd=str(desk.tree), timeout=0.5)
    adopted = adopt(desk.subject)
    assert adopted.head == head
    assert [path for path, _ in adopted.skipped] == [".git/refs/heads/pipe", ".git/ORIG_HEAD"]


def test_a_broken_reference_does_not_stop_the_others(desk: Desk) -> None:
    head = commit(desk)
    (desk.tree / ".git/refs/heads/missing").write_text("1" * 40 + "\n")
    (desk.tree / ".git/refs/heads/rubbish").write_bytes(b"\0\xff")
    (desk.tree / ".git/refs/heads/huge").write_bytes(b"x" * 1_000_000)
    (desk.tree / ".git/refs/heads/link").symlink_to("/etc/passwd")
    probe = run(["git", "fetch", str(desk.tree), "refs/heads/*"], cwd="/", timeout=20)
    assert probe.code != 0
    adopted = adopt(desk.subject)
    assert adopted.head == head
    assert {path for path, _ in adopted.skipped} == {
        f".git/refs/heads/{name}" for name in ("missing", "rubbish", "huge", "link")
    }


def test_damaged_loose_objects_do_not_stop_the_others(desk: Desk) -> None:
    head = commit(desk)
    blob = desk.git("rev-parse", "HEAD:own")
    desk.write("staged", b"staged")
    desk.git("add", "staged")
    staged = desk.git("rev-parse", ":staged")
    (desk.tree / ".git/objects/aa").mkdir(exist_ok=True)
    (desk.tree / f".git/objects/aa/{'b' * 38}").write_bytes(b"rubbish")
    adopted = adopt(desk.subject)
    assert adopted.head == head
    assert holds(desk, blob)
    assert holds(desk, staged)
    assert (".git/objects", "1 objects are damaged") in adopted.skipped


def test_a_commit_whose_tree_is_missing_is_not_taken_in(desk: Desk) -> None:
    head = commit(desk)
    tree = desk.git("rev-parse", "HEAD^{tree}")
    (desk.tree / f".git/objects/{tree[:2]}/{tree[2:]}").unlink()
    adopted = adopt(desk.subject)
    assert adopted.head is None
    assert not holds(desk, head)
    assert ".git/refs/heads/carrel/ada" in [path for path, _ in adopted.skipped]


def test_a_commit_that_holds_a_git_folder_is_not_taken_in(desk: Desk) -> None:
    blob = desk.git("hash-object", "-w", "--stdin", stdin=b"[core]\n")
    inner = desk.git("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    raw = b"40000 .git\0" + bytes.fromhex(inner)
    tree = desk.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    evil = desk.git("commit-tree", "-m", "evil", tree)
    probe = Path(desk.subject.place.home).parent / "probe.git"
    git(probe.parent, "init", "-q", "--bare", str(probe))
    desk.git("update-ref", "refs/heads/evil", evil)
    git(probe, "fetch", "-q", str(desk.tree), "refs/heads/evil")
    assert git(probe, "cat-file", "-t", evil).strip() == b"commit", "plain git takes it"
    good = commit(desk)
    adopted = adopt(desk.subject)
    assert adopted.head == good
    assert not holds(desk, evil)
    assert ".git/refs/heads/evil" in [path for path, _ in adopted.skipped]


@pytest.mark.parametrize("how", ["file", "link", "gone"])
def test_a_git_folder_that_was_replaced_is_reported(desk: Desk, how: str) -> None:
    _, secret = stranger(desk)
    place = Path(desk.subject.place.home).parent / "stranger"
    shutil.move(desk.tree / ".git", Path(desk.subject.place.home) / "away")
    if how == "file":
        (desk.tree / ".git").write_text(f"gitdir: {place}/.git\n")
    elif how == "link":
        (desk.tree / ".git").symlink_to(place / ".git")
    if how != "gone":
        assert desk.git("rev-parse", "HEAD") == secret, "plain git follows it"
    adopted = adopt(desk.subject)
    assert adopted.head is None
    assert adopted.skipped[0][0] == ".git"
    assert not holds(desk, secret)
    desk.write("still", b"1")
    assert "still" in desk.files(desk.capture(head=adopted.head).tree)


def test_a_head_that_names_a_file_elsewhere_is_not_read(desk: Desk) -> None:
    _, secret = stranger(desk)
    place = Path(desk.subject.place.home).parent / "stranger"
    (desk.tree / ".git/HEAD").write_text(f"ref: ../../../{place.name}/.git/refs/heads/master\n")
    assert adopt(desk.subject).head is None
    assert not holds(desk, secret)


def test_a_packed_list_of_lies_is_harmless(desk: Desk) -> None:
    """A commit-graph can hide parents from git; the pack is checked for what it lacks."""
    commit(desk, "one")
    head = commit(desk, "two")
    desk.git("commit-graph", "write", "--reachable")
    graph = desk.tree / ".git/objects/info/commit-graph"
    graph.chmod(0o644)
    graph.write_bytes(graph.read_bytes()[:-40] + b"\0" * 40)
    assert adopt(desk.subject).head == head
    assert "one" in desk.files(head)
