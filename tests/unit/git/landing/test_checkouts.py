"""Landing on a branch that is checked out in the user's clone."""

import os
from pathlib import Path

import pytest
from tests.forks import killed_at

from carrel.errors import RefusedError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.landing import landing
from carrel.git.storing import upstream
from carrel.git.storing.stores import Stores

NEW = {b"b.txt": b"changed\n", b"new/file": b"n\n", b"dir/c.txt": None}


def land(bench, new: str, *, branch: str = "main", expected: str | None = None, **more) -> bool:
    old = bench.clone.tip(branch) if expected is None else expected
    return landing.land(bench.stores, bench.project, branch, new, expected=old, **more)


def test_files_and_index_come_along(bench) -> None:
    clone = bench.clone
    clone.write("untracked", "mine\n")
    new = bench.merge(clone.tip("main"), NEW)
    assert land(bench, new)
    assert clone.tip("HEAD") == new
    assert clone.status() == "?? untracked"
    assert (clone.path / "b.txt").read_text() == "changed\n"
    assert (clone.path / "new/file").read_text() == "n\n"
    assert not (clone.path / "dir").exists()
    assert no_traces(bench)


def no_traces(bench) -> bool:
    left = [
        name
        for name in os.listdir(bench.clone.path / ".git")
        if "carrel" in name or ".lock" in name
    ]
    journals = Path(bench.stores.home, "landings")
    return not left and not (journals.exists() and os.listdir(journals))


def test_a_linked_worktree_comes_along(bench, tmp_path) -> None:
    bench.clone.git("checkout", "-q", "-b", "elsewhere")
    bench.clone.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
    linked = type(bench.clone)(tmp_path / "linked")
    new = bench.merge(bench.clone.tip("main"), NEW)
    assert land(bench, new)
    assert (linked.tip("HEAD"), linked.status()) == (new, "")
    assert bench.clone.status() == ""


def test_every_kind_of_change(bench) -> None:
    clone = bench.clone
    clone.write("run", "x\n").chmod(0o755)
    (clone.path / "link").symlink_to("a.txt")
    clone.write("folder/in/deep", "x\n")
    clone.write(".gitattributes", "*.crlf eol=crlf\n")
    first = clone.commit("kinds", swap="file\n", x_crlf="a\n")
    clone.git("checkout", "-q", "-b", "next")
    clone.git("rm", "-rq", "folder", "swap", "link", "run")
    clone.write("folder", "now a file\n")
    clone.write("swap/in", "now a folder\n")
    clone.write("link", "now a file\n")
    (clone.path / "run").symlink_to("folder")
    clone.write("a.txt", "one\n").chmod(0o755)
    new = clone.commit("all", x_crlf="b\n", odd="1\n", **{'"q\n': "1\n"})
    clone.git("checkout", "-q", "-f", "main")
    upstream.resolve(bench.stores, bench.project, new)
    assert land(bench, new, expected=first)
    assert (clone.tip("HEAD"), clone.status()) == (new, "")
    assert (clone.path / "x.crlf").read_bytes() == b"b\r\n"
    clone.git("reset", "-q", "--hard")
    assert clone.status() == ""


def before(clone) -> tuple[str, str, dict[str, bytes]]:
    files = {
        str(path): path.read_bytes()
        for path in clone.path.rglob("*")
        if ".git" not in path.parts and path.is_file()
    }
    return clone.tip("main"), clone.status(), files


def check(bench, new: str) -> None:
    """Ask beforehand, as a dry run does."""
    tree, tip = bench.stores.vault_reader.commit(new).tree, bench.clone.tip("main")
    landing.check(bench.stores, bench.project, "main", tree, expected=tip)


def refused(bench, files: dict[bytes, bytes | None] = NEW) -> RefusedError:
    """Land, be refused, and see that nothing at all has changed; a dry run says the same."""
    was = before(bench.clone)
    new = bench.merge(bench.clone.tip("main"), files)
    with pytest.raises(RefusedError) as foretold:
        check(bench, new)
    with pytest.raises(RefusedError) as caught:
        land(bench, new)
    assert before(bench.clone) == was
    assert caught.value.cure
    assert str(foretold.value) == str(caught.value)
    return caught.value


def test_a_check_lets_pass_what_will_land_and_writes_nothing(bench) -> None:
    bench.clone.write("untracked", "mine\n")
    was = before(bench.clone)
    git_folder = sorted(os.walk(bench.clone.path / ".git"))
    index = (bench.clone.path / ".git/index").stat()
    new = bench.merge(bench.clone.tip("main"), NEW)
    check(bench, new)
    assert sorted(os.walk(bench.clone.path / ".git")) == git_folder
    assert (bench.clone.path / ".git/index").stat().st_mtime_ns == index.st_mtime_ns
    assert before(bench.clone) == was
    assert land(bench, new)


@pytest.mark.parametrize("how", ["edited", "staged", "added", "deleted", "mode", "merge-added"])
def test_uncommitted_work_is_in_the_way(bench, how: str) -> None:
    clone = bench.clone
    if how == "edited":
        clone.write("a.txt", "ONE\n")
    elif how == "staged":
        clone.write("a.txt", "other\n")
        clone.git("add", "a.txt")
        clone.write("a.txt", "one\n")
    elif how == "added":
        clone.write("z", "z\n")
        clone.git("add", "z")
    elif how == "deleted":
        (clone.path / "b.txt").unlink()
    elif how == "mode":
        (clone.path / "a.txt").chmod(0o755)
    else:
        clone.write("z", "z\n")
        clone.git("add", "-N", "z")
    packs = os.listdir(clone.path / ".git/objects/pack")
    error = refused(bench)
    assert error.code == "target_dirty"
    assert no_traces(bench)
    assert os.listdir(clone.path / ".git/objects/pack") == packs


def test_hidden_edits_are_seen(bench) -> None:
    bench.clone.git("update-index", "--assume-unchanged", "b.txt")
    bench.clone.write("b.txt", "secretly edited\n")
    assert bench.clone.status() == ""  # plain git is blind to it
    assert refused(bench).code == "target_dirty"


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("name", ["new/file", "new", "new/file/below"])
def test_an_untracked_file_is_in_the_way(bench, name: str, ignored: bool) -> None:
    if ignored:
        (bench.clone.path / ".git/info").mkdir(exist_ok=True)
        bench.clone.write(".git/info/exclude", "new\n")
    bench.clone.write(name, "precious\n")
    error = refused(bench)
    assert error.code == "target_dirty"
    assert name.split("/", 1)[0] in error.why


def test_a_link_in_the_way_is_not_followed(bench, tmp_path) -> None:
    (tmp_path / "outside").mkdir()
    (bench.clone.path / "new").symlink_to(tmp_path / "outside")
    assert refused(bench).code == "target_dirty"
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize(
    "what", ["index.lock", "merge", "rebase", "cherry-pick", "bisect", "split", "sparse"]
)
def test_a_clone_in_use_is_left_alone(bench, what: str) -> None:
    clone = bench.clone
    clone.commit("second", a_txt="two\n")
    clone.git("checkout", "-q", "-b", "side", "HEAD~1")
    clone.commit("other", a_txt="three\n")
    clone.git("checkout", "-q", "main")
    if what == "index.lock":
        clone.write(".git/index.lock", "")
    elif what == "merge":
        clone.git("merge", "side", check=False)
    elif what == "rebase":
        clone.git("rebase", "side", check=False)
    elif what == "cherry-pick":
        clone.git("cherry-pick", "side", check=False)
    elif what == "bisect":
        clone.git("bisect", "start")
    elif what == "split":
        clone.git("update-index", "--split-index")
    else:
        clone.git("sparse-checkout", "set", "--no-cone", "a.txt")
    if what == "index.lock":
        with pytest.raises(RefusedError) as caught:
            land(bench, bench.merge(clone.tip("main"), NEW))
        assert caught.value.code == "target_in_use"
    else:
        error = refused(bench)
        assert error.code == "target_in_use"
        assert f"checked out in {clone.path}, which" in error.what


def test_checked_out_twice_is_refused(bench, tmp_path) -> None:
    bench.clone.git("worktree", "add", "-q", "-f", str(tmp_path / "linked"), "main")
    assert refused(bench).code == "target_in_use"


def test_a_worktree_that_is_away_but_locked_is_waited_for(bench, tmp_path) -> None:
    bench.clone.git("checkout", "-q", "-b", "elsewhere")
    bench.clone.git("worktree", "add", "-q", "--lock", str(tmp_path / "linked"), "main")
    (tmp_path / "linked").rename(tmp_path / "away")
    assert refused(bench).code == "target_in_use"
    bench.clone.git("worktree", "unlock", str(tmp_path / "linked"))
    assert land(bench, bench.merge(bench.clone.tip("main"), NEW))


def test_a_filtered_file_is_refused(bench) -> None:
    bench.clone.commit("attributes", _gitattributes="*.bin filter=lfs\n")
    assert refused(bench, {b"x.bin": b"pointer"}).code == "target_in_use"
    new = bench.merge(bench.clone.tip("main"), NEW)
    check(bench, new)
    assert land(bench, new)


def test_nothing_of_the_clone_is_executed(bench, tmp_path: Path) -> None:
    clone, sprung = bench.clone, tmp_path / "sprung"
    clone.commit("attributes", _gitattributes="b.txt -filter diff=evil merge=evil\n")
    trap = tmp_path / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $@" >>{sprung}\n')
    trap.chmod(0o755)
    (clone.path / ".git/hooks").mkdir(exist_ok=True)
    for hook in (
        "reference-transaction",
        "post-checkout",
        "post-merge",
        "post-index-change",
        "update",
    ):
        (clone.path / ".git/hooks" / hook).write_text(trap.read_text())
        (clone.path / ".git/hooks" / hook).chmod(0o755)
    clone.git("config", "core.fsmonitor", str(trap))
    clone.git("config", "diff.evil.textconv", str(trap))
    clone.git("config", "merge.evil.driver", str(trap))
    clone.git("checkout", "-q", "-b", "spring", check=False)
    clone.git("checkout", "-q", "main", check=False)
    assert sprung.exists()  # plain git springs it
    sprung.unlink()
    new = bench.merge(clone.tip("main"), NEW)
    check(bench, new)
    assert land(bench, new)
    assert not sprung.exists()


KILLS = [
    "land.base", "checkout.journal", "checkout.locked", "land.shared", "checkout.prepared",
    "checkout.branch_locked", "checkout.file", "checkout.file:1", "checkout.file:2",
    "checkout.files", "checkout.index", "checkout.branch", "checkout.unlocked", "land.branch",
]  # fmt: skip


def killed(bench, point: str, new: str, old: str) -> None:
    there = Stores(bench.stores.home)
    killed_at(point, lambda: landing.land(there, bench.project, "main", new, expected=old))


@pytest.mark.crash
@pytest.mark.parametrize("point", KILLS)
def test_a_kill_at_any_point_is_put_right(bench, point: str) -> None:
    clone = bench.clone
    old = clone.tip("main")
    new = bench.merge(old, NEW)
    killed(bench, point, new, old)
    landing.recover(bench.stores, bench.project)
    assert clone.tip("main") in {old, new}
    assert clone.status() == ""
    assert no_traces(bench) or "unlocked" in point
    tip = landing.tip(bench.stores, bench.project, "main")
    if tip == old:
        assert land(bench, new)
    assert (clone.tip("main"), clone.status()) == (new, "")
    assert clone.git("fsck", "--strict", "--connectivity-only") == ""


@pytest.mark.crash
def test_the_next_landing_puts_it_right_by_itself(bench) -> None:
    old = bench.clone.tip("main")
    new = bench.merge(old, NEW)
    killed(bench, "checkout.file:1", new, old)
    assert bench.clone.status() != ""
    assert land(bench, new)
    assert (bench.clone.tip("main"), bench.clone.status()) == (new, "")


@pytest.mark.crash
def test_what_somebody_edited_after_the_kill_is_left_alone(bench) -> None:
    clone = bench.clone
    old = clone.tip("main")
    new = bench.merge(old, {b"a.txt": b"merged\n", b"b.txt": b"merged\n"})
    killed(bench, "checkout.files", new, old)
    clone.write("a.txt", "mine\n")
    told = landing.recover(bench.stores, bench.project)
    assert "taken back" in told[0]
    assert (clone.path / "a.txt").read_text() == "mine\n"
    assert (clone.path / "b.txt").read_text() == "two\n"
    assert clone.status() == " M a.txt"


@pytest.mark.crash
def test_what_somebody_committed_after_the_kill_is_left_alone(bench) -> None:
    clone = bench.clone
    old = clone.tip("main")
    new = bench.merge(old, NEW)
    killed(bench, "checkout.index", new, old)
    (clone.path / ".git/index.lock").unlink()  # as git's own message advises
    clone.git("commit", "-q", "-m", "taken over")
    mine = clone.tip("main")
    told = landing.recover(bench.stores, bench.project)
    assert "overtaken" in told[0]
    assert (clone.tip("main"), clone.status()) == (mine, "")
    assert clone.tip("main^{tree}") == bench.stores.vault_reader.commit(new).tree


@pytest.mark.real
def test_another_users_clone_stays_his(bench) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can work for somebody else")
    clone = bench.clone
    top = clone.path
    for parent in [top, *top.parents][:4]:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    for folder, folders, files in os.walk(top):
        for name in [*folders, *files, "."]:
            os.lchown(os.path.join(folder, name), 12345, 12345)
    old = refs.tip(Git(f"{top}/.git"), "refs/heads/main")
    new = bench.merge(old, NEW)
    assert land(bench, new, expected=old)
    strangers = [
        os.path.join(folder, name)
        for folder, folders, files in os.walk(top)
        for name in [*folders, *files]
        if os.lstat(os.path.join(folder, name)).st_uid != 12345
    ]
    assert strangers == []
    assert refs.tip(Git(f"{top}/.git"), "refs/heads/main") == new
