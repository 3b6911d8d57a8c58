"""Layers: what they show, what their index hides (nothing), what may be dropped."""

import os
import shutil
import stat
import time
from pathlib import Path

import pytest
from tests.forks import at_once, killed_at

from carrel.errors import NotFoundError, RefusedError
from carrel.git.storing import index, seed, upstream
from carrel.git.storing.layers import DEEPEST, Layer, Layers
from carrel.git.storing.maintenance import objects_in
from carrel.git.storing.stores import Stores

BLOBS: dict[str, str] = {}


def own(lower: str) -> tuple[dict[str, str], set[str]]:
    """Return what one folder of a layer holds, and what it hides."""
    here: dict[str, str] = {}
    hides: set[str] = set()
    for top, folders, files in os.walk(lower):
        if top == lower:
            folders.remove(".git")
        for name in [*files, *folders]:
            path = os.path.join(top, name)
            status = os.lstat(path)
            rel = os.path.relpath(path, lower)
            if stat.S_ISCHR(status.st_mode):
                assert status.st_rdev == 0
                hides.add(rel)
            elif stat.S_ISLNK(status.st_mode):
                here[rel] = "-> " + os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                here[rel] = ("x " if status.st_mode & 0o100 else "") + Path(path).read_text()
    return here, hides


def shown(layer: Layer) -> dict[str, str]:
    """Stack the folders of a layer as an overlay would, and tell what is seen."""
    seen: dict[str, str] = {}
    hidden: set[str] = set()
    for lower in layer.lowers:
        here, hides = own(lower)
        above = list(seen)
        for rel, text in here.items():
            parts = rel.split("/")
            ways = {"/".join(parts[: n + 1]) for n in range(len(parts))}
            folder_now = any(one.startswith(rel + "/") for one in above)
            if not ways & (hidden | seen.keys()) and not folder_now:
                seen[rel] = text
        hidden |= hides
    return seen


def blob(clone, oid: str) -> str:
    """Ask plain git for a text, once: its name is made from it."""
    if oid not in BLOBS:
        BLOBS[oid] = clone.git("cat-file", "blob", oid)
    return BLOBS[oid]


def expected(clone, commit: str) -> dict[str, str]:
    """Ask plain git what a commit holds."""
    out: dict[str, str] = {}
    for line in clone.git("ls-tree", "-r", "-z", commit).split("\0"):
        if line:
            facts, _, path = line.partition("\t")
            mode, kind, oid = facts.split()
            if kind != "blob":
                continue
            text = blob(clone, oid)
            text += "\n" if mode != "120000" and text else ""
            lead = {"120000": "-> ", "100755": "x "}.get(mode, "")
            out[path] = lead + text
    return out


@pytest.fixture
def layers(bench) -> Layers:
    return Layers(bench.stores, worth=0)


def refreshed(bench, clone) -> str:
    return upstream.refresh(bench.stores, bench.project, "main")


def test_a_full_layer_shows_its_commit(bench, layers) -> None:
    clone = bench.clone
    clone.write("run.sh", "go\n").chmod(0o755)
    (clone.path / "link").symlink_to("a.txt")
    clone.write("odd \"name'\\\n", "x\n")
    commit = clone.commit()
    assert refreshed(bench, clone) == commit
    layer = layers.ensure(commit)
    assert (layer.depth, layer.private) == (1, False)
    assert shown(layer) == expected(clone, commit)
    assert layers.get(commit) == layer == layers.ensure(commit)


def test_it_is_a_clean_repository_for_whoever_sits_in_it(bench, layers, tmp_path) -> None:
    clone = bench.clone
    clone.git("tag", "v1")
    clone.git("branch", "side")
    commit = clone.commit("more", d="4\n")
    refreshed(bench, clone)
    work = seated(bench, layers.ensure(commit), tmp_path / "w")
    assert work.git("status", "--porcelain=v1", "--branch") == "## carrel/w"
    assert work.git("rev-parse", "origin/side") == clone.tip("side")
    assert work.git("rev-parse", "origin/HEAD", "v1^0").split() == [commit, clone.tip("side")]
    assert work.git("fsck", "--connectivity-only") == ""
    mine = work.commit("mine", e="5\n")
    work.git("push", "-q", "origin", "HEAD")
    assert clone.tip("refs/heads/carrel/w") == mine


def seated(bench, layer: Layer, where: Path):
    """Copy a one-folder layer, stat data and all that an overlay would keep included."""
    shutil.copytree(layer.lowers[0], where, symlinks=True)
    made = seed.layered_seed(bench.stores, bench.project, f"carrel/{where.name}", layer.commit)
    seed.write(f"{where}/.git", made.files)
    return type(bench.clone)(where)


def test_an_edit_of_the_same_size_in_the_same_moment_is_noticed(bench, layers) -> None:
    """The trap: with an index merely dated into the future, git misses the edit."""
    for turn in range(3):
        commit = bench.clone.commit("more", a_txt=f"on{turn}\n")
        refreshed(bench, bench.clone)
        tree = Path(Layers(bench.stores, worth=10**9).ensure(commit).lowers[0])
        (tree / "b.txt").write_text("TWO\n")  # at once, and as long as before
        work = type(bench.clone)(tree)
        assert work.git("diff-files", "--name-only") == "b.txt"


def test_the_trap_would_have_sprung(bench) -> None:
    work = bench.clone
    for _ in range(10):  # until checkout and edit fall into one second
        (work.path / "b.txt").unlink()
        work.git("checkout-index", "-f", "-u", "b.txt")
        later = time.time() + 5
        os.utime(work.path / ".git/index", (later, later))
        with (work.path / "b.txt").open("r+") as file:
            file.write("TWO\n")
        if work.git("diff-files", "--name-only") == "":
            return  # git sees no change
        work.git("update-index", "--refresh", check=False)
    pytest.skip("this git compares nanoseconds")


def test_no_file_is_as_young_as_the_index(bench, layers) -> None:
    tree = layers.ensure(bench.clone.tip("main")).lowers[0]
    young = int(os.stat(f"{tree}/.git/index").st_mtime)
    times = [int(os.lstat(f"{tree}/{name}").st_mtime) for name in ("a.txt", "b.txt", "dir/c.txt")]
    assert max(times) < young
    work = type(bench.clone)(Path(tree))
    assert work.git("diff-files", "--name-only") == ""


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_thin_layer_holds_only_what_differs(form, make_clone, make_bench) -> None:
    clone = make_clone("c", f"--object-format={form}")
    files = {f"d{n % 5}__f{n}": f"{n}\n" for n in range(60)}
    first = clone.commit("first", **files, gone__x="x\n", gone__y="y\n", swap__in="i\n", flip="f\n")
    bench = make_bench(clone)
    layers = Layers(bench.stores, worth=0)
    layers.ensure(first)
    clone.git("rm", "-rq", "gone", "swap", "flip", "d1/f1")
    clone.write("swap", "now a file\n")
    clone.write("flip/in", "now a folder\n")
    clone.write("d2/f2", "changed\n").chmod(0o755)
    (clone.path / "d3/f3").unlink()
    (clone.path / "d3/f3").symlink_to("f8")
    second = clone.commit("second", brand__new="n\n")
    assert refreshed(bench, clone) == second
    layer = layers.ensure(second)
    assert layer.depth == 2
    top = Path(layer.lowers[0])
    files = {p.relative_to(top).as_posix() for p in top.rglob("*") if ".git" not in p.parts}
    assert {"gone", "d1/f1", "d2/f2", "d3/f3", "swap", "flip/in", "brand/new"} <= files
    assert "d0/f0" not in files
    assert "gone/x" not in files  # one whiteout hides the whole folder
    assert shown(layer) == expected(clone, second)
    # and what was gone may come back
    third = clone.commit("third", gone__x="again\n", d1__f1="again\n")
    refreshed(bench, clone)
    again = layers.ensure(third)
    assert again.depth > 1
    assert shown(again) == expected(clone, third)


def test_the_nearest_layer_carries(bench, layers) -> None:
    clone = bench.clone
    for n in range(30):
        clone.write(f"many/{n}", f"{n}\n")
    one = clone.commit("one")
    refreshed(bench, clone)
    layers.ensure(one)
    clone.write("many/1", "changed\n")
    two = clone.commit("two", x="x\n", y="y\n", z="z\n")
    refreshed(bench, clone)
    assert layers.ensure(two).depth == 2
    clone.git("checkout", "-q", one)
    near_one = clone.commit("near one", many__2="other\n")
    clone.git("branch", "-f", "main", near_one)
    refreshed(bench, clone)
    assert layers.ensure(near_one).lowers[1:] == layers.ensure(one).lowers


def test_the_stack_is_folded(bench, layers) -> None:
    clone = bench.clone
    for n in range(40):
        clone.write(f"many/{n}", f"{n}\n")
    depths = []
    for n in range(DEEPEST + 2):
        commit = clone.commit("more", **{f"many__{n}": "changed\n"})
        refreshed(bench, clone)
        layer = layers.ensure(commit)
        depths.append(layer.depth)
        assert shown(layer) == expected(clone, commit)
    assert max(depths) == DEEPEST
    assert depths[DEEPEST] <= DEEPEST


def test_a_private_commit_brings_what_base_lacks_and_nothing_else(bench, layers, tmp_path) -> None:
    tip = bench.clone.tip("main")
    mine = bench.merge(tip, {b"secret": b"mine\n"})
    layer = layers.ensure(mine)
    assert layer.private
    work = seated(bench, Layers(bench.stores, worth=10**9).ensure(mine), tmp_path / "w")
    assert work.git("status", "--porcelain") == ""
    assert work.git("log", "--format=%H").split() == [
        mine,
        *bench.clone.git("log", "--format=%H").split(),
    ]
    packs = list((work.path / ".git/objects/pack").glob("*.idx"))
    assert len(packs) == 1
    assert len(objects_in(str(packs[0])[:-4], 20)) == 3  # commit, tree, file


def test_only_descendants_stand_on_a_private_layer(bench) -> None:
    clone = bench.clone
    for n in range(30):
        clone.write(f"many/{n}", f"{n}\n")
    tip = clone.commit("many")
    refreshed(bench, clone)
    layers = Layers(bench.stores, worth=0)
    mine = bench.merge(tip, {b"mine": b"1\n"})
    other = bench.merge(tip, {b"mine": b"2\n"})
    child = bench.merge(mine, {b"more": b"3\n"})
    mother = layers.ensure(mine)
    assert f"{layers.folder}/{mine}/tree" not in layers.ensure(other).lowers
    assert layers.ensure(child).lowers[1:] == mother.lowers


def test_attributes_and_ignores_are_told(bench, layers) -> None:
    plain = layers.ensure(bench.clone.tip("main"))
    assert (plain.has_attributes, plain.has_ignores) == (False, False)
    bench.clone.write("deep/in/.gitignore", "*.o\n")
    one = bench.clone.commit("ignore", not_gitattributes="x")
    refreshed(bench, bench.clone)
    assert (layers.ensure(one).has_attributes, layers.ensure(one).has_ignores) == (False, True)
    bench.clone.write(".gitattributes", "*.txt eol=crlf\n*.bin filter=lfs\n")
    bench.clone.write("p.bin", "pointer\n")
    two = bench.clone.commit("attributes", n_txt="a\nb\n")
    refreshed(bench, bench.clone)
    layer = Layers(bench.stores, worth=10**9).ensure(two)
    assert layer.has_attributes
    tree = Path(layer.lowers[0])
    assert (tree / "n.txt").read_bytes() == b"a\r\nb\r\n"  # a built-in conversion
    assert (tree / "p.bin").read_text() == "pointer\n"  # no filter


def test_submodules_are_empty_folders(bench, layers) -> None:
    clone = bench.clone
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub")
    clone.git("commit", "-q", "-m", "submodule")
    refreshed(bench, clone)
    layer = layers.ensure(clone.tip("main"))
    assert os.listdir(f"{layer.lowers[0]}/sub") == []


def test_an_unknown_commit(layers, bench) -> None:
    for oid in ("1" * 40, bench.clone.tip("main:a.txt")):
        with pytest.raises(NotFoundError) as caught:
            layers.ensure(oid)
        assert caught.value.code == "commit_missing"


def test_dropping(bench, layers) -> None:
    clone = bench.clone
    for n in range(30):
        clone.write(f"many/{n}", f"{n}\n")
    one = clone.commit("one")
    refreshed(bench, clone)
    layers.ensure(one)
    two = clone.commit("two", many__1="changed\n")
    refreshed(bench, clone)
    layers.ensure(two)
    with pytest.raises(RefusedError) as caught:
        layers.drop(one)
    assert caught.value.code == "layer_in_use"
    assert layers.unused(frozenset({two})) == []
    assert layers.unused(frozenset({one})) == [two]
    assert layers.unused(frozenset()) == [two, one]
    for commit in layers.unused(frozenset()):
        assert layers.drop(commit) > 0
    assert layers.drop(one) == 0
    assert os.listdir(layers.folder) == []


def test_a_layer_whose_ground_is_gone_is_made_anew(bench, layers) -> None:
    clone = bench.clone
    for n in range(30):
        clone.write(f"many/{n}", f"{n}\n")
    one = clone.commit("one")
    refreshed(bench, clone)
    layers.ensure(one)
    two = clone.commit("two", many__1="changed\n")
    refreshed(bench, clone)
    assert layers.ensure(two).depth == 2
    shutil.rmtree(f"{layers.folder}/{one}")
    assert layers.get(two) is None
    assert shown(layers.ensure(two)) == expected(clone, two)


def build(bench, commit: str) -> int:
    """Build a layer as another process does."""
    return Layers(Stores(bench.stores.home), worth=0).ensure(commit).depth


def test_a_killed_build_leaves_nothing_behind(bench, layers) -> None:
    commit = bench.clone.tip("main")
    for point in ("layers.checked_out", "layers.built"):
        killed_at(point, lambda: build(bench, commit))
        assert layers.get(commit) is None
    assert shown(layers.ensure(commit)) == expected(bench.clone, commit)
    assert os.listdir(layers.folder) == [commit]


def test_several_processes_build_it_once(bench, layers) -> None:
    commit = bench.clone.tip("main")
    assert at_once([lambda: build(bench, commit)] * 4) == [1] * 4
    assert os.listdir(layers.folder) == [commit]


def test_ageing_reads_extended_entries(make_clone) -> None:
    clone = make_clone("long")
    for name in ("before", "new", "later"):
        clone.write(name, "x\n")
    clone.git("add", "before", "later")
    clone.git("add", "-N", "new")  # an extended entry
    path = f"{clone.path}/.git/index"
    assert index.version(path) == 3
    second = int(os.lstat(clone.path / "before").st_mtime)
    index.age(path, str(clone.path), 20, since=second)
    for name in ("before", "later"):
        assert int(os.lstat(clone.path / name).st_mtime) < second
    assert clone.git("diff-files", "--name-only") == "new"
    assert clone.git("ls-files", "-s").count("\n") == 2
