"""What a workspace's private `.git/` begins with."""

from dataclasses import replace
from pathlib import Path

import pytest

from carrel.git import refs
from carrel.git.landing import landing
from carrel.git.storing import seed


def test_a_layered_seed_is_three_small_files(bench) -> None:
    commit = bench.clone.tip("main")
    made = dict(seed.layered_seed(bench.stores, bench.project, "carrel/ada", commit).files)
    assert set(made) == {"HEAD", "refs/heads/carrel/ada", "config"}
    assert made["HEAD"] == b"ref: refs/heads/carrel/ada\n"
    assert made["refs/heads/carrel/ada"] == f"{commit}\n".encode()


@pytest.mark.parametrize("form", ["sha1", "sha256"])
@pytest.mark.parametrize("kind", ["upstream", "private"])
def test_a_full_seed_is_a_repository(form, kind, make_clone, make_bench, tmp_path) -> None:
    clone = make_clone("c", f"--object-format={form}")
    commit = clone.commit("first", a_txt="one\n")
    clone.git("tag", "v1")
    clone.git("branch", "side")
    bench = make_bench(clone)
    if kind == "private":
        commit = bench.merge(commit, {b"m": b"mine\n"})
    made = seed.full_seed(bench.stores, bench.project, "carrel/ada", commit)
    assert all(not name.endswith("/") for name, _ in made.files)
    work = type(clone)(tmp_path / "work")
    seed.write(f"{work.path}/.git", made.files)
    work.git("reset", "-q", "--hard")
    assert work.git("status", "--porcelain", "--branch") == "## carrel/ada"
    assert work.git("rev-parse", "HEAD") == commit
    assert (
        work.git("rev-parse", "origin/side", "origin/HEAD", "v1").split() == [clone.tip("main")] * 3
    )
    assert (work.path / ".git/carrel-layer").read_text() == f"{commit}\n"
    assert work.git("fsck", "--connectivity-only") == ""
    work.commit("mine", b_txt="2\n")
    work.git("push", "-q", "origin", "HEAD")
    assert clone.tip("refs/heads/carrel/ada") == work.tip("HEAD")
    assert work.git("config", "remote.origin.url") == str(clone.path)
    assert (work.git("config", "gc.auto"), work.git("config", "maintenance.auto")) == ("0", "false")


def test_the_workspace_does_not_see_the_vault(bench, tmp_path) -> None:
    hidden = bench.merge(bench.clone.tip("main"), {b"m": b"another agent's\n"})
    work = type(bench.clone)(tmp_path / "work")
    made = seed.full_seed(bench.stores, bench.project, "b", bench.clone.tip("main"))
    seed.write(f"{work.path}/.git", made.files)
    assert work.git("cat-file", "-t", hidden, check=False) == ""
    assert work.git("for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/b", "refs/remotes/origin/HEAD", "refs/remotes/origin/main",
    ]  # fmt: skip


def test_odd_names_are_quoted(bench, tmp_path) -> None:
    source = 'C:\\odd "place"\\#;'
    project = replace(bench.project, source=source)
    made = seed.layered_seed(bench.stores, project, 'we"ird#;', "1" * 40)
    seed.write(str(tmp_path), [file for file in made.files if file[0] == "config"])
    read = bench.clone.git("config", "--file", str(tmp_path / "config"), "remote.origin.url")
    assert read == source
    key = 'branch.we"ird#;.remote'
    assert bench.clone.git("config", "--file", str(tmp_path / "config"), key) == "origin"


def test_a_url_project_shows_the_remotes_branches_not_the_landed_ones(url_bench) -> None:
    old = url_bench.clone.tip("main")
    new = url_bench.merge(old, {b"m": b"1"})
    assert landing.land(url_bench.stores, url_bench.project, "main", new, expected=old)
    packed = refs.parse_packed(dict(seed.references(url_bench.stores))["packed-refs"])
    assert packed == {"refs/remotes/origin/main": old}
    config = dict(seed.layered_seed(url_bench.stores, url_bench.project, "b", new).files)["config"]
    assert f"file://{url_bench.clone.path}".encode() in config
    assert Path(url_bench.stores.home).exists()
