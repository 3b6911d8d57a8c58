"""Hostile repositories and agents that make one wait, lie, or lead out of the tree."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.crash.hostile_world import CHILD_WINS, World, git, opened

from carrel.control import (
    changes,
    checkpoints,
    merging,
    projects,
)
from carrel.control.finding import find

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]


@pytest.fixture(params=["auto", "checkout"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with opened(request.param, tmp_path, monkeypatch) as made:
        yield made


# --- traps that hang, or lie ------------------------------------------------------------------


def _pipe(tree: Path, name: str) -> None:
    place = tree / ".git" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)


@pytest.mark.parametrize(
    ("side", "name", "naive"),
    [
        ("agent", "refs/heads/pipe", "for-each-ref"),
        ("agent", "refs/heads/carrel/pipe", "for-each-ref"),
        ("agent", "packed-refs", "for-each-ref"),
        ("agent", "info/exclude", "status"),
        ("agent", "config-of-mine", "status"),
        ("user", "refs/heads/pipe", "for-each-ref"),
        ("user", "refs/heads/carrel/pipe", "for-each-ref"),
        ("user", "info/exclude", "status"),
        ("user", "packed-refs", "for-each-ref"),
        ("user", "config-of-mine", "status"),
    ],
)
def test_a_pipe_holds_nobody_up(
    world: World, side: str, name: str, naive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "carrel.git.storing.intake._GONE", 1.0
    )  # a minute is no hang, but too long here
    monkeypatch.setattr("carrel.git.storing.stores._PATIENCE", 1.0)
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    _pipe(tree, name)
    if name == "config-of-mine":
        with (tree / ".git/config").open("a") as file:
            file.write(f"[include]\n\tpath = {name}\n")
    with pytest.raises(subprocess.TimeoutExpired):
        git(naive, cwd=tree, wait=0.5)
    world.everything()
    allowed = {"unsaved_files"} if side == "agent" else {"repository_unsafe", "program_timeout"}
    assert set(world.errors) <= allowed
    if (side, name) == ("user", "config-of-mine"):
        assert set(world.errors) == {"repository_unsafe"}


def _rubbish(tree: Path) -> None:
    refs = tree / ".git/refs/heads"
    (refs / "rubbish").write_bytes(b"\0\xff")
    (refs / "huge").write_bytes(b"x" * 3_000_000)
    (refs / "gone").write_text("1" * 40 + "\n")
    (refs / "link").symlink_to("/etc/passwd")
    (refs / "round").write_text("ref: refs/heads/round\n")
    here = Path.cwd()
    os.chdir(refs)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)


@pytest.mark.parametrize("side", ["agent", "user"])
def test_broken_references_stop_nobody(world: World, side: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    _rubbish(tree)
    probe = world.top / "probe.git"
    git("init", "-q", "--bare", str(probe), cwd="/")
    with pytest.raises(subprocess.CalledProcessError):
        git("fetch", "-q", str(tree), "refs/heads/*:refs/x/*", cwd=probe)
    world.everything()
    assert set(world.errors) <= {"repository_unsafe" if side == "user" else "unsaved_files"}


def _index_pipe(tree: Path) -> None:
    _pipe(tree, "index")


def _index_rubbish(tree: Path) -> None:
    (tree / ".git/index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"\0" * 40)


def _index_folder(tree: Path) -> None:
    (tree / ".git/index").unlink()
    (tree / ".git/index").mkdir()


@pytest.mark.parametrize("plant", [_index_pipe, _index_rubbish, _index_folder])
def test_a_hostile_index(world: World, plant: Callable[[Path], None]) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    plant(world.tree("agent"))
    with pytest.raises((subprocess.TimeoutExpired, subprocess.CalledProcessError)):
        git("status", cwd=world.tree("agent"), wait=0.5)
    world.everything()
    assert git("show", "main:new.txt", cwd=world.repository) == "by the agent"


@pytest.mark.parametrize("side", ["agent", "user"])
def test_replaced_and_grafted_history_is_not_believed(world: World, side: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    head = git("rev-parse", "HEAD", cwd=tree)
    empty = git("mktree", cwd=tree)
    lie = git("commit-tree", "-m", "lie", empty, cwd=tree)
    git("replace", head, lie, cwd=tree)
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/grafts").write_text(f"{head} {lie}\n")
    assert git("ls-tree", "-r", head, cwd=tree) == "", "plain git believes it"
    world.everything()
    shown = git(
        "--no-replace-objects", "ls-tree", "-r", "--name-only", "main", cwd=world.repository
    )
    assert {"a.txt", "b.txt", "d/c.txt"} <= set(shown.splitlines())
    assert set(world.errors) <= ({"target_dirty"} if side == "user" else set())


# --- traps that lead outside -------------------------------------------------------------------


@pytest.mark.parametrize("side", ["agent", "user"])
def test_a_strangers_objects_are_not_imported(world: World, side: str) -> None:
    place, secret = world.stranger()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    with (tree / ".git/objects/info/alternates").open("a") as file:
        file.write(f"{place}/.git/objects\n")
    (tree / ".git/refs/heads/leak").write_text(f"{secret}\n")
    probe = world.top / "probe.git"
    git("init", "-q", "--bare", str(probe), cwd="/")
    git("fetch", "-q", str(tree), "refs/heads/leak", cwd=probe)
    assert git("cat-file", "-t", secret, cwd=probe) == "commit", "plain git takes it along"
    world.step(lambda: world.make("thief", branch="leak"))
    world.everything()
    assert {"foreign_alternate", "foreign_objects"} & set(world.errors)
    (tree / ".git/objects/info/alternates").unlink()
    assert not world.holds(secret)


@pytest.mark.parametrize("how", ["file", "link", "gone"])
def test_a_git_folder_that_leads_elsewhere(world: World, how: str) -> None:
    place, secret = world.stranger()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    shutil.rmtree(tree / ".git")
    if how == "file":
        (tree / ".git").write_text(f"gitdir: {place}/.git\n")
    elif how == "link":
        (tree / ".git").symlink_to(place / ".git")
    if how != "gone":
        assert git("rev-parse", "HEAD", cwd=tree) == secret, "plain git follows it"
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    world.everything()
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    assert not world.holds(secret)
    assert git("show", "main:new.txt", cwd=world.repository) == "by the agent"


@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_links_out_of_the_tree_are_not_followed(world: World, form: str, what: str) -> None:
    outside = world.outside()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    ctx, agent = world.ctx, find(world.ctx, "agent")
    checkpoints.checkpoint(ctx, agent, iteration=0)
    tree = world.tree("agent")
    world.make("heir", parent="agent")
    (world.tree("heir") / "d/c.txt").write_text("by the heir\n")
    (tree / "d/c.txt").write_text("changed\n")
    checkpoints.checkpoint(ctx, agent, iteration=1)
    where = outside if what == "folder" else outside / "c.txt"
    name = "d" if what == "folder" else "d/c.txt"
    target = str(where) if form == "absolute" else os.path.relpath(where, (tree / name).parent)
    shutil.rmtree(tree / "d")
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).symlink_to(target)
    naive = world.copy(outside)  # what follows links writes outside:
    (world.top / "bait").symlink_to(naive)
    (world.top / "bait/c.txt").write_text("written through")
    assert (naive / "c.txt").read_text() == "written through"
    assert (tree / "d/c.txt").read_text() == "not yours\n", "plain reading follows it"
    world.step(lambda: merging.merge(ctx, find(ctx, "heir"), CHILD_WINS))
    world.step(lambda: checkpoints.restore(ctx, agent, "iteration:1"))
    assert not (tree / name).is_symlink()
    assert (tree / "d/c.txt").read_text() == "changed\n"
    shutil.rmtree(tree / "d")
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).symlink_to(target)
    world.everything()
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"c.txt": "not yours\n"}
    leaked = git("hash-object", str(outside / "c.txt"), cwd="/")
    assert not world.holds(leaked)


def test_links_swapped_in_during_checkpoints_leak_nothing(world: World) -> None:
    outside = world.outside()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    agent, tree = find(world.ctx, "agent"), world.tree("agent")
    leaked = git("hash-object", str(outside / "c.txt"), cwd="/")
    stop, caught = threading.Event(), []

    def swap() -> None:
        while not stop.is_set():
            shutil.rmtree(tree / "d", ignore_errors=True)
            (tree / "d").symlink_to(outside)
            caught.append((tree / "d/c.txt").read_text())  # as a naive reader would
            (tree / "d").unlink()
            (tree / "d").mkdir()
            (tree / "d/c.txt").write_text("mine\n")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(12):
            (tree / "n.txt").write_text(f"{number}\n")
            world.step(lambda: checkpoints.checkpoint(world.ctx, agent))
            world.step(lambda: changes.changes(world.ctx, agent, diff=True))
    finally:
        stop.set()
        thread.join()
    assert "not yours\n" in caught
    assert not world.holds(leaked)
    assert (outside / "c.txt").read_text() == "not yours\n"
    world.everything()
    assert not world.holds(leaked)


def _tree_object(cwd: Path, *entries: tuple[bytes, bytes, str]) -> str:
    raw = b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in entries)
    return git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", cwd=cwd, stdin=raw)


PATHS = ("../esc", "..", ".git/config", ".GIT/config", "x/.git/config", "git~1/hooks/x", "./x")


@pytest.mark.parametrize(
    ("world", "side"),
    [("auto", "agent"), ("auto", "user"), ("checkout", "user")],
    indirect=["world"],
)
@pytest.mark.parametrize("path", PATHS)
def test_paths_that_lead_out_of_a_tree(world: World, side: str, path: str) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent") if side == "agent" else world.repository
    oid = git("hash-object", "-w", "--stdin", cwd=tree, stdin=b"[core]\n\tevil = true\n")
    mode, parts = b"100644", path.encode().split(b"/")
    for part in reversed(parts):
        oid, mode = _tree_object(tree, (mode, part, oid)), b"40000"
    evil = git("commit-tree", "-m", "evil", oid, cwd=tree)
    git("update-ref", "refs/heads/evil", evil, cwd=tree)
    shown = git("ls-tree", "-r", "-z", "--name-only", evil, cwd=tree).rstrip("\0")
    assert shown == path, "plain git names the path, and naive code would write there"
    if side == "agent":
        git("symbolic-ref", "HEAD", "refs/heads/evil", cwd=tree)
    before = world.files()
    world.step(lambda: world.make("victim", branch="evil"))
    assert world.errors, "a workspace was made of it"
    world.errors.clear()
    world.everything()
    assert world.files() - before <= {str(world.repository / "new.txt")}
    assert "evil" not in git("config", "--list", cwd=world.repository)
    names = git("ls-tree", "-r", "--name-only", "main", cwd=world.repository).splitlines()
    assert set(names) <= {"a.txt", "b.txt", "d/c.txt", "new.txt"}
    if side == "agent":
        assert not world.holds(evil)


def test_a_linked_list_of_submodules(world: World) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    (tree / ".git/secret").write_text("[core]\n")
    (tree / ".gitmodules").symlink_to(".git/secret")
    assert (tree / ".gitmodules").read_text() == "[core]\n", "plain reading follows it"
    world.everything()
    assert set(world.errors) == {"unsaved_files"}, "it is said before it is removed"
    assert ".gitmodules" not in git("ls-tree", "--name-only", "main", cwd=world.repository)
