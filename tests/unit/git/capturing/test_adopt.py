"""What an occupant commits, stages or stashes itself gets into the vault and stays there."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.forks import killed_at

from carrel.git import refs
from carrel.git.capturing.adopt import adopt
from carrel.git.storing.stores import Stores
from carrel.testing.desk import Desk, desk_on, git, make_source


def tips(desk: Desk) -> set[str]:
    return set(refs.listing(desk.stores.vault, "refs/carrel/ws/ws-1/tips/").values())


def kept(desk: Desk, oid: str) -> bool:
    """Tell whether an object survives a pruning of the vault."""
    vault = desk.stores.vault
    vault.run("repack", "-a", "-d", "-l", "-q")
    vault.run("prune", "--expire=now")
    desk.stores.close()
    return desk.stores.vault_reader.info(oid) is not None


def commit(desk: Desk, name: str, data: bytes = b"1") -> str:
    desk.write(name, data)
    desk.git("add", name)
    desk.git("commit", "-q", "-m", name)
    return desk.git("rev-parse", "HEAD")


def test_nothing_own_costs_nothing(desk: Desk) -> None:
    adopted = adopt(desk.subject)
    assert adopted.head == desk.start
    assert adopted.branches == (("refs/heads/carrel/ada", desk.start),)
    assert adopted.skipped == ()
    assert tips(desk) == set()


def test_commits_on_the_branch(desk: Desk) -> None:
    commit(desk, "a")
    last = commit(desk, "b")
    adopted = adopt(desk.subject)
    assert adopted.head == last
    assert tips(desk) == {last}
    assert kept(desk, f"{last}~1:a")
    assert adopt(desk.subject) == adopted


def test_a_newer_tip_takes_the_place_of_an_older(desk: Desk) -> None:
    commit(desk, "a")
    adopt(desk.subject)
    last = commit(desk, "b")
    adopt(desk.subject)
    assert tips(desk) == {last}


@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_tip(desk: Desk, packed: bool) -> None:
    first = commit(desk, "a")
    desk.git("tag", "light")
    desk.git("tag", "-a", "-m", "x", "heavy")
    tag = desk.git("rev-parse", "heavy")
    desk.git("checkout", "-q", "-b", "side/way")
    side = commit(desk, "b")
    desk.git("checkout", "-q", "--detach")
    detached = commit(desk, "c")
    desk.git("reset", "-q", "--hard", first)
    desk.git("branch", "-D", "side/way")
    amended = commit(desk, "d")
    desk.git("commit", "-q", "--amend", "-m", "again")
    desk.write("a", b"stashed")
    desk.git("stash", "-q")
    stash = desk.git("rev-parse", "stash")
    desk.write("a", b"stashed too")
    desk.git("stash", "-q")
    if packed:
        desk.git("pack-refs", "--all")
        desk.git("repack", "-a", "-d", "-q", "-l")
    adopted = adopt(desk.subject)
    assert adopted.skipped == ()
    for oid in (side, detached, amended, stash, tag):
        assert kept(desk, oid), oid


def test_staged_files_are_kept_though_no_commit_leads_to_them(desk: Desk) -> None:
    file = desk.write("staged", b"only staged\n")
    desk.git("add", "staged")
    blob = desk.git("rev-parse", ":staged")
    file.unlink()
    adopt(desk.subject)
    assert kept(desk, blob)
    before = tips(desk)
    adopt(desk.subject)
    assert tips(desk) == before


def test_an_unfinished_merge(desk: Desk) -> None:
    desk.git("checkout", "-q", "-b", "other")
    other = commit(desk, "x", b"1")
    desk.git("checkout", "-q", "carrel/ada")
    commit(desk, "x", b"2")
    with pytest.raises(AssertionError):
        desk.git("merge", "other")
    desk.git("branch", "-D", "other")
    shutil.rmtree(desk.tree / ".git/logs")
    adopt(desk.subject)
    assert kept(desk, other)


def test_work_trees_of_the_occupants_own(desk: Desk) -> None:
    place = Path(desk.subject.place.home) / "beside"
    desk.git("worktree", "add", "-q", "--detach", str(place))
    git(place, "commit", "-q", "--allow-empty", "-m", "beside")
    oid = git(place, "rev-parse", "HEAD").decode().strip()
    adopt(desk.subject)
    assert kept(desk, oid)


def test_an_adoption_that_was_killed_is_finished_by_the_next(desk: Desk) -> None:
    """The objects arrived, the reference did not: nothing may rely on their presence."""
    file = desk.write("staged", b"only staged\n")
    desk.git("add", "staged")
    file.unlink()
    head = commit(desk, "a")
    blob = desk.git("rev-parse", ":staged")
    adopt(desk.subject)
    for oid in tips(desk):
        desk.stores.vault.run("update-ref", "-d", f"refs/carrel/ws/ws-1/tips/{oid}")
    Path(desk.subject.place.home, "adopting").touch()
    adopt(desk.subject)
    assert kept(desk, blob)
    assert kept(desk, head)
    assert not Path(desk.subject.place.home, "adopting").exists()


@pytest.mark.crash
@pytest.mark.parametrize("point", ["adopt.marked", "adopt.stored", "adopt.pinned"])
def test_killed_anywhere_the_next_adoption_keeps_everything(desk: Desk, point: str) -> None:
    file = desk.write("staged", b"only staged\n")
    head = commit(desk, "a")
    desk.git("add", "staged")
    blob = desk.git("rev-parse", ":staged")
    file.unlink()
    subject = replace(desk.subject, stores=Stores(desk.stores.home))
    killed_at(point, lambda: adopt(subject))
    assert adopt(desk.subject).head == head
    assert kept(desk, blob)
    assert kept(desk, head)


def test_a_sha256_project(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q", "-b", "main", "--object-format=sha256", ".")
    (source / "a").write_bytes(b"1")
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "start")
    desk = desk_on(tmp_path, source)
    desk.write("b", b"2")
    desk.git("add", "b")
    desk.git("commit", "-q", "-m", "own")
    adopted = adopt(desk.subject)
    assert adopted.head == desk.git("rev-parse", "HEAD")
    desk.write("c", b"3")
    captured = desk.capture(head=adopted.head)
    assert set(desk.files(captured.tree)) == {"a", "b", "c"}
    desk.stores.close()


@pytest.mark.real
def test_as_root_the_occupants_rights_are_used(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can act for somebody else")
    for folder in [tmp_path, *tmp_path.parents[:-2]]:
        folder.chmod(0o755)
    desk = desk_on(tmp_path, make_source(tmp_path, {"a": b"1"}))
    last = commit(desk, "b")
    for path in [desk.tree, *desk.tree.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    secret = desk.tree / ".git/objects" / last[:2] / last[2:]
    os.chown(secret, 0, 0)
    secret.chmod(0o400)
    adopted = adopt(desk.subject)
    assert adopted.head is None, "root could have read it; the occupant could not"
    os.chown(secret, 65534, 65534)
    assert adopt(desk.subject).head == last
    desk.stores.close()
