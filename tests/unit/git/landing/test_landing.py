"""Landing a merge where the project came from."""

import os
from functools import partial
from pathlib import Path

import pytest
from tests.forks import at_once

from carrel.errors import BadInputError, FailedError, NotFoundError, RefusedError
from carrel.git import refs
from carrel.git.landing import landing, pushing
from carrel.git.objects import FILE, Entry, PackWriter
from carrel.git.storing import transport
from carrel.git.storing.stores import Stores
from carrel.git.trees import edit_tree

NEW = {b"b.txt": b"changed\n", b"new/file": b"n\n", b"dir/c.txt": None}


def land(bench, new: str, *, branch: str = "main", expected: str | None = None, **more) -> bool:
    old = bench.clone.tip(branch) if expected is None else expected
    return landing.land(bench.stores, bench.project, branch, new, expected=old, **more)


@pytest.fixture
def aside(bench):
    """The clone has another branch checked out than the one that is landed on."""
    bench.clone.git("checkout", "-q", "-b", "elsewhere")
    return bench


def test_a_merge_lands_in_the_users_repository(aside) -> None:
    clone, st = aside.clone, aside.stores
    tip = landing.tip(st, aside.project, "main")
    new = aside.merge(tip, NEW)
    assert landing.land(st, aside.project, "main", new, expected=tip)
    assert clone.tip("main") == new == refs.tip(st.base, "refs/heads/main")
    assert clone.git("ls-tree", "-r", "--name-only", "main").split() == [
        "a.txt",
        "b.txt",
        "new/file",
    ]
    assert clone.git("log", "-1", "--format=%an <%ae> %ct %s", "main").startswith(
        "Ada <ada@example.org> 1772366400 Merge"
    )
    assert clone.git("fsck", "--strict", "--connectivity-only") == ""
    assert st.base.run("fsck", "--strict").code == 0
    assert clone.status() == ""
    assert clone.git("reflog", "show", "-1", "--format=%H", "main") == new


def test_a_lost_race_is_told(aside) -> None:
    clone = aside.clone
    old = clone.tip("main")
    new = aside.merge(old, NEW)
    clone.git("checkout", "-q", "main")
    theirs = clone.commit("theirs")
    clone.git("checkout", "-q", "elsewhere")
    assert not land(aside, new, expected=old)
    assert clone.tip("main") == theirs
    assert landing.tip(aside.stores, aside.project, "main") == theirs
    again = aside.merge(theirs, NEW)
    assert land(aside, again)


def test_many_objects_go_another_way(aside, monkeypatch) -> None:
    monkeypatch.setattr(transport, "FEW", 5)
    new = aside.merge(aside.clone.tip("main"), {b"d/%d" % n: b"%d" % n for n in range(30)})
    assert land(aside, new)
    assert aside.clone.git("fsck", "--strict", "--connectivity-only") == ""


def test_a_bare_repository(clone, make_bench, tmp_path) -> None:
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bench = make_bench(type(clone)(tmp_path / "bare.git"))
    new = bench.merge(clone.tip("main"), NEW)
    assert land(bench, new)
    assert bench.clone.tip("main") == new


@pytest.mark.parametrize("form", ["sha1", "sha256"])
@pytest.mark.parametrize("branch", ["main", "elsewhere"])
def test_every_object_format(form, branch, make_clone, make_bench) -> None:
    clone = make_clone("c", f"--object-format={form}")
    clone.commit("first", a="1", dir__c_txt="2")
    clone.git("checkout", "-q", "-B", branch)
    bench = make_bench(clone)
    new = bench.merge(clone.tip("main"), NEW)
    assert land(bench, new)
    assert (clone.tip("main"), clone.status()) == (new, "")
    assert clone.git("fsck", "--strict") == ""


def test_a_new_branch_is_made(aside) -> None:
    new = aside.merge(aside.clone.tip("main"), NEW)
    assert land(aside, new, branch="fresh/one", expected="")
    assert aside.clone.tip("fresh/one") == new
    assert not land(aside, aside.merge(new, {b"z": b"z"}), branch="fresh/one", expected="")
    with pytest.raises(NotFoundError):
        landing.tip(aside.stores, aside.project, "nope")
    with pytest.raises(BadInputError):
        land(aside, new, branch="--bad", expected="")


def test_a_pipe_in_the_place_of_a_branchs_log_is_named_and_nothing_is_locked(aside) -> None:
    clone = aside.clone
    old = clone.tip("main")
    new = aside.merge(old, NEW)
    for branch, act in (
        ("main", lambda: land(aside, new)),
        ("fresh", lambda: landing.publish_branch(aside.stores, aside.project, "fresh", new)),
    ):
        log = clone.path / ".git/logs/refs/heads" / branch
        log.unlink(missing_ok=True)
        os.mkfifo(log)
        with pytest.raises(RefusedError, match=f"logs/refs/heads/{branch} is no regular file"):
            act()
        log.unlink()
    assert (clone.tip("main"), clone.tip("fresh")) == (old, "")
    assert list(clone.path.glob(".git/**/*.lock")) == []


# --- URL projects and pushing -------------------------------------------------------------


def test_a_url_project_lands_in_the_store(url_bench) -> None:
    old = url_bench.clone.tip("main")
    new = url_bench.merge(old, NEW)
    assert land(url_bench, new)
    assert refs.tip(url_bench.stores.base, "refs/heads/main") == new
    assert url_bench.clone.tip("main") == old
    assert not land(url_bench, url_bench.merge(old, {b"z": b"z"}))
    pushing.push(url_bench.stores, url_bench.project, "main")
    assert url_bench.clone.tip("main") == new


def test_landing_with_a_push(url_bench) -> None:
    old = url_bench.clone.tip("main")
    new = url_bench.merge(old, NEW)
    assert land(url_bench, new, push=True)
    assert url_bench.clone.tip("main") == new
    assert refs.tip(url_bench.stores.base, "refs/remotes/origin/main") == new


def test_a_rejected_push_lands_nothing_and_can_be_retried(url_bench) -> None:
    clone, st, project = url_bench.clone, url_bench.stores, url_bench.project
    old = clone.tip("main")
    theirs = clone.commit("theirs")
    assert not land(url_bench, url_bench.merge(old, NEW), expected=old, push=True)
    assert refs.tip(st.base, "refs/heads/main") == theirs  # fetched, for the retry
    tip = landing.tip(st, project, "main", fetch=True)
    new = url_bench.merge(tip, NEW)
    assert land(url_bench, new, expected=tip, push=True)
    assert clone.tip("main") == new


def test_a_push_that_the_remote_forbids(url_bench) -> None:
    clone = url_bench.clone
    clone.git("config", "receive.denyCurrentBranch", "refuse")
    with pytest.raises(FailedError) as caught:
        land(url_bench, url_bench.merge(clone.tip("main"), NEW), push=True)
    assert caught.value.code == "push_refused"
    assert refs.tip(url_bench.stores.base, "refs/heads/main") == clone.tip("main")


def test_an_unreachable_remote(url_bench, tmp_path) -> None:
    old = url_bench.clone.tip("main")
    new = url_bench.merge(old, NEW)
    url_bench.clone.path.rename(tmp_path / "away")
    with pytest.raises(FailedError) as caught:
        landing.land(url_bench.stores, url_bench.project, "main", new, expected=old, push=True)
    assert caught.value.code == "remote_unreachable"
    assert refs.tip(url_bench.stores.base, "refs/heads/main") == old


def test_a_path_project_pushes_to_its_own_origin(aside, tmp_path) -> None:
    clone = aside.clone
    new = aside.merge(clone.tip("main"), NEW)
    with pytest.raises(BadInputError) as caught:
        land(aside, new, push=True)
    assert caught.value.code == "no_remote"
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    clone.git("remote", "add", "origin", "../origin.git")
    pushing.push(aside.stores, aside.project, "main")
    assert type(clone)(tmp_path / "origin.git").tip("main") == new


@pytest.fixture
def origin(aside, tmp_path):
    """The remote of a clone, and somebody else's clone of it."""
    clone = aside.clone
    clone.git("clone", "-q", "--bare", ".", str(tmp_path / "origin.git"))
    clone.git("remote", "add", "origin", "../origin.git")
    clone.git("clone", "-q", "-b", "main", str(tmp_path / "origin.git"), str(tmp_path / "theirs"))
    return type(clone)(tmp_path / "origin.git"), type(clone)(tmp_path / "theirs")


@pytest.mark.parametrize("shown", [True, False])
def test_a_remote_that_is_ahead_is_told_before_anything_lands(aside, origin, shown: bool) -> None:
    clone, (bare, theirs) = aside.clone, origin
    if shown:
        clone.git("checkout", "-q", "main")
    new = theirs.commit("theirs", theirs_txt="t\n")
    theirs.git("push", "-q", "origin", "main")
    before = clone.tip("main")
    with pytest.raises(RefusedError, match="nothing was merged") as caught:
        landing.tip(aside.stores, aside.project, "main", fetch=True)
    assert caught.value.code == "branch_parted"
    assert clone.tip("main") == before
    if shown:
        told = caught.value.cure.split("'")[1]
        assert told == f"git -C {clone.path} pull --no-rebase origin main"
        clone.git(*told.split()[1:])
    else:
        assert f"'carrel new join-{new[:8]} --from origin/main'" in caught.value.cure
        clone.git("fetch", "-q", "origin", "main:main")
    assert landing.tip(aside.stores, aside.project, "main", fetch=True) == new
    assert bare.tip("main") == new


def test_a_branch_that_the_remote_lacks_or_has_an_old_state_of_can_be_pushed(aside, origin) -> None:
    clone, (bare, _) = aside.clone, origin
    new = clone.commit("ahead", ahead_txt="a\n")
    clone.git("branch", "-f", "main", new)
    clone.git("branch", "fresh", new)
    for branch in ("main", "fresh"):
        assert landing.tip(aside.stores, aside.project, branch, fetch=True) == new
        pushing.push(aside.stores, aside.project, branch)
        assert bare.tip(branch) == new


def test_a_push_that_is_lost_at_the_last_moment_says_where_the_merge_is(aside, origin) -> None:
    clone, (_, theirs) = aside.clone, origin
    new = aside.merge(clone.tip("main"), NEW)
    theirs.commit("theirs", theirs_txt="t\n")
    theirs.git("push", "-q", "origin", "main")
    with pytest.raises(FailedError, match="The merge itself is in main of") as caught:
        land(aside, new, push=True)
    assert caught.value.code == "push_behind"
    assert clone.tip("main") == new


# --- branches that stay -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "url"])
def test_a_branch_is_published_once(kind, bench, url_bench) -> None:
    one = bench if kind == "path" else url_bench
    st, project, clone = one.stores, one.project, one.clone
    mine, other = (one.merge(clone.tip("main"), {b"m": data}) for data in (b"1", b"2"))
    assert landing.publish_branch(st, project, "carrel/ada", mine) == "carrel/ada"
    assert landing.publish_branch(st, project, "carrel/ada", mine) == "carrel/ada"
    assert landing.publish_branch(st, project, "carrel/ada", other) == "carrel/ada-2"
    assert landing.publish_branch(st, project, "carrel/ada", other) == "carrel/ada-2"
    git = clone if kind == "path" else type(clone)(Path(st.base.git_dir))
    assert (git.tip("carrel/ada"), git.tip("carrel/ada-2")) == (mine, other)


def test_a_branch_in_the_way_of_a_folder(bench) -> None:
    bench.clone.git("branch", "carrel")
    mine = bench.merge(bench.clone.tip("main"), {b"m": b"1"})
    assert landing.publish_branch(bench.stores, bench.project, "carrel/ada", mine) == "carrel-ada"


def land_four(aside, who: str) -> None:
    """Land four commits, each on what the branch has become by then."""
    st = Stores(aside.stores.home)
    for turn in range(4):
        while True:
            tip = landing.tip(st, aside.project, "main")
            writer = PackWriter(f"{st.vault.git_dir}/objects")
            name = f"{who}-{turn}".encode()
            reader, made = st.vault_reader, {name: Entry(FILE, writer.blob(name))}
            tree = edit_tree(reader, writer, reader.commit(tip).tree, made)
            writer.flush()
            when = aside.project.created_at
            new = landing.commit(
                st, tree=tree, parents=(tip,), message="m", when=when, identity=("a", "b")
            )
            if landing.land(st, aside.project, "main", new, expected=tip):
                break
    st.close()


def test_processes_that_land_at_once_lose_nothing(aside) -> None:
    at_once([partial(land_four, aside, f"w{n}") for n in range(4)])
    names = aside.clone.git("ls-tree", "--name-only", "main").split()
    assert {f"w{n}-{turn}" for n in range(4) for turn in range(4)} <= set(names)
