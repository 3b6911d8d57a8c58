"""Making the two stores: complete or not there, and nothing of the source is obeyed."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.forks import at_once, killed_at

from carrel.errors import CarrelError, FailedError, NotFoundError, RefusedError
from carrel.git import refs
from carrel.git.storing import sources, stores
from carrel.git.storing.layers import Layers


def test_both_stores_hold_what_they_should(bench) -> None:
    clone, made = bench.clone, bench.stores
    clone.git("tag", "-a", "v1", "-m", "one")
    tip = clone.tip("main")
    assert made.default_branch == "main"
    assert refs.listing(made.base, "refs/") == {"refs/heads/main": tip}
    assert made.vault_reader.info(tip) is not None  # by its alternate
    assert made.base.run("fsck", "--strict").code == 0
    assert refs.listing(made.vault, "refs/") == {}
    assert not Path(made.base.git_dir, "objects/info/alternates").exists()
    assert os.stat(made.vault.git_dir).st_mode & 0o077 == 0


def test_making_them_again_returns_those_that_are_there(bench) -> None:
    again = stores.create(bench.stores.home, sources.parse(str(bench.clone.path)))
    assert again.default_branch == "main"
    assert os.listdir(Path(bench.stores.home).parent) == ["p-0"]


def test_only_reachable_objects_are_copied(clone, make_bench) -> None:
    stray = clone.git("hash-object", "-w", "--stdin", stdin="a secret nobody refers to")
    made = make_bench(clone).stores
    assert made.base_reader.info(stray) is None
    assert made.base_reader.info("main:a.txt") is not None


def test_sha256(make_clone, make_bench) -> None:
    clone = make_clone("wide", "--object-format=sha256")
    tip = clone.commit("first", a="1")
    made = make_bench(clone).stores
    assert (made.width, len(tip)) == (32, 64)
    assert made.vault_reader.commit(tip).tree
    assert stores.Stores(made.home).width == 32


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_from_a_url(form: str, make_clone, make_bench) -> None:
    clone = make_clone("remote", f"--object-format={form}")
    tip = clone.commit("first", a="1")
    clone.git("tag", "v1")
    clone.git("branch", "side")
    made = make_bench(clone, f"file://{clone.path}").stores
    assert refs.listing(made.base, "refs/") == dict.fromkeys(
        (
            "refs/heads/main",
            "refs/heads/side",
            "refs/remotes/origin/main",
            "refs/remotes/origin/side",
            "refs/tags/v1",
        ),
        tip,
    )
    assert made.default_branch == "main"


def code_of(clone, home: Path, **more: str) -> str:
    with pytest.raises(CarrelError) as caught:
        stores.create(str(home / "p"), sources.parse(str(clone.path)), **more)
    assert caught.value.cure
    assert os.listdir(home) == []
    return caught.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "projects").mkdir()
    return tmp_path / "projects"


def test_bad_repositories_are_refused_and_leave_nothing(make_clone, clone, home) -> None:
    assert code_of(make_clone("empty"), home) == "empty_repository"
    assert code_of(clone, home, branch="nope") == "branch_missing"
    assert code_of(clone, home, branch="--bad") == "bad_branch"


def test_a_shallow_or_partial_clone_is_refused(clone, make_clone, home, tmp_path) -> None:
    clone.commit("second")
    url = f"file://{clone.path}"
    clone.git("config", "uploadpack.allowFilter", "true")
    clone.git("clone", "-q", "--depth=1", url, str(tmp_path / "shallow"))
    clone.git("clone", "-q", "--filter=blob:none", "--bare", url, str(tmp_path / "partial"))
    shallow, partial = type(clone)(tmp_path / "shallow"), type(clone)(tmp_path / "partial")
    assert code_of(shallow, home) == "shallow_repository"
    assert code_of(partial, home) == "partial_clone"


def test_a_detached_head_needs_a_branch_to_be_clear(clone, make_bench, home) -> None:
    clone.git("branch", "-m", "main", "one")
    clone.git("branch", "two")
    clone.git("checkout", "-q", "--detach")
    assert code_of(clone, home) == "detached_head"
    assert make_bench(clone, branch="two").stores.default_branch == "two"


def test_an_unreachable_url(home) -> None:
    with pytest.raises(FailedError) as caught:
        stores.create(str(home / "p"), sources.parse("file:///nowhere/at/all"))
    assert caught.value.code == "remote_unreachable"
    assert os.listdir(home) == []


def test_a_damaged_object_is_found_and_nothing_is_made(clone, home) -> None:
    oid = clone.git("rev-parse", "HEAD:a.txt")
    loose = clone.path / ".git/objects" / oid[:2] / oid[2:]
    other = clone.git("hash-object", "-w", "--stdin", stdin="other")
    loose.chmod(0o644)
    loose.write_bytes((clone.path / ".git/objects" / other[:2] / other[2:]).read_bytes())
    assert code_of(clone, home) == "repository_damaged"


def test_a_missing_object_is_found(clone, home) -> None:
    oid = clone.git("rev-parse", "HEAD:a.txt")
    (clone.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    assert code_of(clone, home) == "repository_damaged"


def test_a_broken_reference_is_left_out(clone, make_bench) -> None:
    (clone.path / ".git/refs/heads/broken").write_text("not an id\n")
    (clone.path / ".git/refs/heads/gone").write_text("1" * 40 + "\n")
    assert list(refs.listing(make_bench(clone).stores.base, "refs/")) == ["refs/heads/main"]


def test_a_pipe_among_the_references_is_named_instead_of_waited_for(clone, home) -> None:
    os.mkfifo(clone.path / ".git/refs/heads/pipe")
    with pytest.raises(subprocess.TimeoutExpired):  # plain git waits
        subprocess.run(
            ["git", "for-each-ref"], cwd=clone.path, timeout=0.4, capture_output=True, check=True
        )
    assert code_of(clone, home) == "repository_unsafe"


def test_a_pipe_among_the_objects_too(clone, home) -> None:
    (clone.path / ".git/objects/ab").mkdir(exist_ok=True)
    os.mkfifo(clone.path / ".git/objects/ab" / ("c" * 38))
    assert code_of(clone, home) == "repository_unsafe"


@pytest.mark.parametrize("way", ["include", "includeIf", "by another file", "by a link"])
def test_a_config_that_includes_a_pipe_is_refused_before_git_reads_it(clone, home, way) -> None:
    pipe, first = clone.path / "pipe", clone.path / ".git/more"
    os.mkfifo(pipe)
    if way == "by another file":
        first.write_text(f'[Include]\n\tpath = "{pipe}"\n')
    elif way == "by a link":
        first.symlink_to(pipe)
    key = f"includeIf.gitdir:{clone.path}/**.path" if way == "includeIf" else "include.path"
    clone.git("config", key, "more" if way.startswith("by") else str(pipe))
    with pytest.raises(subprocess.TimeoutExpired):  # plain git waits
        subprocess.run(
            ["git", "for-each-ref"], cwd=clone.path, timeout=0.4, capture_output=True, check=True
        )
    with pytest.raises(RefusedError, match="can't be read safely") as caught:
        sources.repository(str(clone.path))
    assert (caught.value.code, "pipe" in caught.value.what) == (
        "repository_unsafe",
        way != "by a link",
    )
    assert code_of(clone, home) == "repository_unsafe"


def test_a_pipe_instead_of_the_config_is_refused(clone) -> None:
    (clone.path / ".git/config").unlink()
    os.mkfifo(clone.path / ".git/config")
    with pytest.raises(RefusedError) as caught:
        sources.repository(str(clone.path))
    assert caught.value.code == "repository_unsafe"


def test_includes_in_a_circle_or_too_many_are_no_hang(clone) -> None:
    config = clone.path / ".git/config"
    plain = config.read_text()
    config.write_text(
        f"{plain}[include]\n\tpath = config\n\tpath = /dev/null\n\tpath = gone\n\tpath = ~/gone\n"
    )
    assert sources.repository(str(clone.path)).location == str(clone.path)
    many = "".join(f"\tpath = gone{number}\n" for number in range(500))
    (clone.path / ".git/many").write_text(f"[include]\n{many}")
    config.write_text(f"{plain}[include]\n\tpath = many\n")
    with pytest.raises(RefusedError, match="too many"):
        sources.repository(str(clone.path))


def test_a_strangers_objects_are_not_imported(clone, make_clone, home) -> None:
    stranger = make_clone("stranger")
    secret = stranger.commit("secret", a="hidden")
    alternates = clone.path / ".git/objects/info/alternates"
    alternates.write_text(f"{stranger.path}/.git/objects\n")
    (clone.path / ".git/refs/heads/leak").write_text(secret + "\n")
    copied = clone.path.parent / "copied"  # plain git takes the secret along
    clone.git("clone", "-q", "--bare", "--no-local", str(clone.path), str(copied))
    assert type(clone)(copied).git("cat-file", "-t", secret) == "commit"
    assert code_of(clone, home) == "foreign_objects"


def test_linked_object_folders_are_strangers_too(clone, make_clone, home) -> None:
    objects = clone.path / ".git/objects"
    objects.rename(clone.path / "elsewhere")
    objects.symlink_to(clone.path / "elsewhere")
    assert code_of(clone, home) == "foreign_objects"


def test_nothing_of_the_source_is_executed(clone, make_bench, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $@" >>{sprung}\ncat 2>/dev/null\n')
    trap.chmod(0o755)
    hooks = clone.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("reference-transaction", "post-checkout", "pre-push", "post-index-change"):
        (hooks / hook).write_text(trap.read_text())
        (hooks / hook).chmod(0o755)
    (tmp_path / "included").write_text(f"[core]\n\tfsmonitor = {trap}\n")
    for key, value in {
        "core.fsmonitor": str(trap),
        "core.hooksPath": str(hooks),
        "uploadpack.packObjectsHook": str(trap),
        "core.alternateRefsCommand": str(trap),
        "core.sshCommand": str(trap),
        "core.pager": str(trap),
        "diff.external": str(trap),
        "filter.evil.smudge": str(trap),
        "filter.evil.clean": str(trap),
        "alias.for-each-ref": f"!{trap}",
        "alias.rev-parse": f"!{trap}",
        "include.path": str(tmp_path / "included"),
        "remote.origin.url": f"ext::{trap}",
        "remote.origin.promisor": "true",
    }.items():
        clone.git("config", key, value)
    clone.write(".gitattributes", "* filter=evil diff=evil\n")
    clone.git("add", "-A")  # plain git springs it
    assert sprung.exists()
    clone.git("commit", "-q", "-m", "trap")
    sprung.unlink()
    for source in (str(clone.path), f"file://{clone.path}"):
        made = make_bench(clone, source)
        assert made.stores.base_reader.info("main:.gitattributes") is not None
    assert not sprung.exists()


def test_a_hostile_tree_can_be_imported_but_not_checked_out(clone, make_bench) -> None:
    blob = clone.git("hash-object", "-w", "--stdin", stdin="[core]\n")
    inner = clone.git("mktree", stdin=f"100644 blob {blob}\tconfig\n")
    tree = clone.git("mktree", stdin=f"040000 tree {inner}\t.git\n", check=False)
    commit = clone.git("commit-tree", tree, "-m", "bad")
    clone.git("update-ref", "refs/heads/bad", commit)
    made = make_bench(clone)
    with pytest.raises(FailedError) as caught:
        Layers(made.stores).ensure(commit)
    assert caught.value.code == "layer_failed"


def test_the_folder_is_swept_after_a_kill(clone, tmp_path: Path) -> None:
    home = tmp_path / "projects" / "p"
    for point in ("intake.packed", "intake.publish", "stores.base", "stores.built"):
        killed_at(point, lambda: stores.create(str(home), sources.parse(str(clone.path))))
        assert not home.exists()
    made = stores.create(str(home), sources.parse(str(clone.path)))
    assert made.base.run("fsck", "--strict").code == 0
    assert os.listdir(home.parent) == ["p"]


def test_a_sweep_takes_no_folder_whose_builder_is_about_to_lock_it(
    clone, tmp_path: Path, monkeypatch
) -> None:
    above, made = tmp_path / "projects", os.mkdir

    def make(path: str, *mode: int) -> None:
        made(path, *mode)
        if os.path.basename(path).startswith(".new-"):
            monkeypatch.setattr(os, "mkdir", made)
            killed_at("intake.packed", another)  # sweeps first

    def another() -> None:
        stores.create(str(above / "other"), sources.parse(str(clone.path)))

    monkeypatch.setattr(os, "mkdir", make)
    opened = stores.create(str(above / "p"), sources.parse(str(clone.path)))
    assert opened.default_branch == "main"
    another()
    assert sorted(os.listdir(above)) == ["other", "p"]


def test_two_at_once_make_one(clone, tmp_path: Path) -> None:
    home = tmp_path / "projects" / "p"

    def make() -> str:
        return stores.create(str(home), sources.parse(str(clone.path))).default_branch

    assert at_once([make] * 3) == ["main"] * 3
    assert os.listdir(home.parent) == ["p"]


def test_a_project_whose_stores_are_gone(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        stores.Stores(str(tmp_path))
    assert caught.value.code == "stores_missing"


@pytest.mark.real
def test_somebody_elses_repository_can_be_registered(clone, make_bench, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can own files as somebody else")
    for top, folders, files in os.walk(clone.path):
        for name in [*folders, *files, "."]:
            os.lchown(os.path.join(top, name), 12345, 12345)
    plain = subprocess.run(
        ["git", "-C", str(clone.path), "log"],
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    assert b"dubious ownership" in plain.stderr  # plain git refuses
    for source in (str(clone.path), f"file://{clone.path}"):
        assert make_bench(clone, source).stores.default_branch == "main"
