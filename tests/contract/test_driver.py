"""The contract of drivers: whatever presents a tree passes this."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carrel.domain.delta import Folder, Leaf, LeafKind
from carrel.errors import CarrelError
from carrel.system import disk, waiting

Bench = Any  # tests/contract/conftest.py


def test_a_new_tree_shows_the_start_and_is_clean(bench: Bench) -> None:
    place = bench.create()
    assert bench.driver.presented(place)
    assert bench.visible(place) == bench.start()
    assert bench.run(place, "git", "status", "--porcelain", "--ignored") == ""
    assert bench.run(place, "git", "rev-parse", "--abbrev-ref", "HEAD") == "carrel/one\n"
    assert bench.delta(place).children == {}


CHANGES = {
    "edit": "open('README', 'w').write('changed')",
    "append twice": "open('README', 'a').write('1')\nopen('README', 'a').write('2')",
    "create": "open('new', 'w').write('new')",
    "create in an old folder": "open('deep/a/new', 'w').write('new')",
    "create a folder": "os.makedirs('x/y/z'); open('x/y/z/f', 'w').write('f')",
    "delete": "os.unlink('README')",
    "delete deep": "os.unlink('deep/a/b/c/leaf')",
    "delete a folder": "shutil.rmtree('many')",
    "delete everything": "[shutil.rmtree(n) if os.path.isdir(n) else os.unlink(n) "
    "for n in os.listdir('.') if n != '.git']",
    "delete and create again": "os.unlink('README'); open('README', 'w').write('again')",
    "create, then delete": "open('new', 'w').close(); os.unlink('new')",
    "rename a file": "os.rename('README', 'deep/RENAMED')",
    "rename over": "os.rename('README', 'many/one')",
    "mode on": "os.chmod('README', 0o755)",
    "mode off": "os.chmod('run.sh', 0o644)",
    "touch": "os.utime('README', (1, 1))",
    "touch a folder": "os.chmod('deep/a', 0o700)",
    "new link": "os.symlink('/etc/passwd', 'many/away')",
    "link to a folder": "os.symlink('deep', 'shallow')",
    "link elsewhere": "os.unlink('link'); os.symlink('run.sh', 'link')",
    "link becomes a file": "os.unlink('link'); open('link', 'w').write('file')",
    "file becomes a link": "os.unlink('README'); os.symlink('run.sh', 'README')",
    "file becomes a folder": "os.unlink('README'); os.mkdir('README'); "
    "open('README/f', 'w').write('f')",
    "folder becomes a file": "shutil.rmtree('many'); open('many', 'w').write('file')",
    "folder becomes a link": "shutil.rmtree('many'); os.symlink('deep', 'many')",
    "folder made anew": "shutil.rmtree('many'); os.mkdir('many'); "
    "open('many/one', 'w').write('other')",
    "folder made anew, empty": "shutil.rmtree('deep/a/b'); os.mkdir('deep/a/b')",
    "deep folder made anew": "shutil.rmtree('deep'); os.makedirs('deep/a/b'); "
    "open('deep/a/b/f', 'w').close()",
    "folder gone, file, folder again": "shutil.rmtree('many'); open('many', 'w').close(); "
    "os.unlink('many'); os.mkdir('many'); open('many/x', 'w').write('x')",
    "move a folder by copy": "shutil.copytree('many', 'moved'); shutil.rmtree('many')",
    "nested repository": "os.makedirs('sub/.git'); open('sub/.git/HEAD', 'w').write('ref: x'); "
    "open('sub/f', 'w').write('f')",
    "names": "open(os.fsencode('b\\udcff\\n\"'), 'w').write('x'); open('-x', 'w').write('x'); "
    "open('sp ace', 'w').write('x')",
    "names like marks": "open('a.wh.b', 'w').write('x'); open('whiteout', 'w').close()",
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_delta_tells_what_is_visible(bench: Bench, change: str) -> None:
    place = bench.create()
    bench.python(place, CHANGES[change])
    assert bench.told(place) == bench.visible(place)
    layer = bench.lowers and Path(bench.lowers[0])
    assert not layer or bench.run(place, "git", f"--work-tree={layer}", "status", "-s") == ""


RENAMES = {
    "a folder": "os.rename('deep', 'moved')",
    "a nested folder": "os.rename('deep/a/b', 'b')",
    "into another": "os.rename('many', 'deep/a/many')",
    "twice": "os.rename('deep', 'x'); os.rename('x', 'y')",
    "inside a renamed one": "os.rename('deep', 'x'); os.rename('x/a', 'x/z')",
    "out of a renamed one": "os.rename('deep', 'x'); os.rename('x/a/b', 'b')",
    "and edit": "os.rename('deep', 'x'); open('x/a/other', 'w').write('e'); "
    "os.unlink('x/a/b/c/leaf')",
    "and make the old name anew": "os.rename('many', 'x'); os.mkdir('many'); "
    "open('many/one', 'w').write('n')",
    "swap": "os.rename('many', 't'); os.rename('twin', 'many'); os.rename('t', 'twin')",
    "over an emptied one": "[os.unlink('twin/same')]; os.rename('many', 'twin')",
    "there and back": "os.rename('many', 'x'); os.rename('x', 'many')",
    "into a new one": "os.mkdir('n'); os.rename('many', 'n/many'); os.unlink('n/many/one')",
    "and delete": "os.rename('deep', 'x'); shutil.rmtree('x')",
}


@pytest.mark.parametrize("rename", RENAMES)
def test_renamed_folders_are_followed(bench: Bench, rename: str) -> None:
    place = bench.create()
    if not bench.driver.capabilities.directory_rename:
        code = "try:\n os.rename('deep', 'x')\nexcept OSError as e: print(e.errno)"
        assert bench.python(place, code) == "18\n"
        bench.python(place, RENAMES[rename].replace("os.rename", "shutil.move"))
    else:
        bench.python(place, RENAMES[rename])
    assert bench.told(place) == bench.visible(place)


RANDOM = """
import random
dice = random.Random({seed})
def all_paths():
    found = []
    for top, folders, files in os.walk('.'):
        if top == '.':
            folders.remove('.git')
        found += [os.path.join(top, name) for name in folders + files]
    return found
def fresh(paths):
    folders = ['.'] + [p for p in paths if os.path.isdir(p) and not os.path.islink(p)]
    return os.path.join(dice.choice(folders), dice.choice('abcdef') + dice.choice(['', 'x']))
def gone(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
def step():
    kind = dice.randrange(7)
    paths = all_paths()
    target = fresh(paths)
    old = dice.choice(paths or ['README'])
    if kind == 0:
        gone(target); open(target, 'w').write(str(dice.random()))
    elif kind == 1:
        gone(target); os.makedirs(target)
    elif kind == 2:
        gone(target); os.symlink(dice.choice('abc'), target)
    elif kind == 3:
        gone(old)
    elif kind == 4 and not (target + '/').startswith(old + '/') and old != target:
        gone(target); shutil.move(old, target) if {moves} else os.rename(old, target)
    elif kind == 5 and os.path.isfile(old) and not os.path.islink(old):
        open(old, 'a').write('x')
    elif kind == 6 and not os.path.islink(old):
        os.chmod(old, 0o755)
for _ in range(40):
    try:
        step()
    except FileNotFoundError:
        pass
"""


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes_is_told_exactly(bench: Bench, seed: int) -> None:
    place = bench.create()
    moves = not bench.driver.capabilities.directory_rename
    for part in range(3):
        code = RANDOM.format(seed=seed * 10 + part, moves=moves)
        bench.python(place, code)
        assert bench.told(place) == bench.visible(place)


def test_what_is_no_file_is_reported_as_other(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "os.mkfifo('pipe'); import socket; "
                 "socket.socket(socket.AF_UNIX).bind('many/sock')")  # fmt: skip
    found = bench.delta(place).children
    many = found[b"many"]
    assert isinstance(many, Folder)
    for special in (found[b"pipe"], many.children[b"sock"]):
        assert isinstance(special, Leaf)
        assert special.kind is LeafKind.OTHER
    assert bench.told(place) == bench.start()


def test_a_pruned_folder_is_not_read(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "os.mkdir('huge')\nfor n in range(30): open(f'huge/{n}', 'w').close()\n"
                 "os.makedirs('kept/huge'); open('kept/f', 'w').close()\n"
                 "open('kept/huge/f', 'w').close(); open('many/new', 'w').close()")  # fmt: skip
    asked: list[bytes] = []

    def prune(path: bytes) -> bool:
        asked.append(path)
        return path.endswith(b"huge")

    told = bench.told(place, prune)
    wanted = {path: entry for path, entry in bench.visible(place).items() if "huge" not in path}
    assert told == wanted
    assert sorted(asked) == [b"huge", b"kept", b"kept/huge"]  # never `many`: the layer has it


def test_a_pruned_folder_in_place_of_a_file_hides_the_file(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "os.unlink('README'); os.mkdir('README'); open('README/f', 'w').close()")
    told = bench.told(place, lambda path: path == b"README")
    assert told == {path: what for path, what in bench.start().items() if path != "README"}


def test_withdrawing_and_presenting_keeps_everything(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine'); os.unlink('run.sh'); os.mkdir('new'); "
                 "open('new/f', 'w').write('f')")  # fmt: skip
    before = bench.visible(place)
    for _ in range(3):
        bench.driver.withdraw(place)
        bench.driver.withdraw(place)
        assert bench.told(place) == before  # also while it is hidden
        assert bench.driver.presented(place) is not bench.driver.capabilities.mounts
        bench.driver.present(place, bench.lowers)
        bench.driver.present(place, bench.lowers)
        assert bench.driver.presented(place)
        assert bench.visible(place) == before


def test_creating_again_changes_nothing(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine')")
    before = bench.visible(place)
    bench.driver.create(place, bench.lowers, bench.seed(place))
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == before


def test_siblings_do_not_feel_each_other(bench: Bench) -> None:
    one, two = bench.create("one"), bench.create("two")
    bench.python(one, "open('README', 'w').write('mine'); shutil.rmtree('many')")
    bench.run(one, "git", "add", "--all")
    bench.run(one, "git", "commit", "--quiet", "--message=mine")
    assert bench.visible(two) == bench.start()
    assert bench.run(two, "git", "status", "--porcelain") == ""
    assert bench.visible(bench.create("three")) == bench.start()


def test_ordinary_git_works_inside(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine'); open('new', 'w').write('new')")
    bench.run(place, "git", "add", "--all")
    bench.run(place, "git", "commit", "--quiet", "--message=mine")
    bench.run(place, "git", "switch", "--quiet", "--create", "feature/x")
    bench.run(place, "git", "gc", "--quiet")
    assert bench.run(place, "git", "status", "--porcelain") == ""
    assert bench.run(place, "git", "log", "--format=%s") == "mine\nfirst\n"
    own = bench.driver.git_dirs(place, bench.lowers)[0]
    assert Path(own, "HEAD").read_text() == "ref: refs/heads/feature/x\n"
    assert all(os.path.isdir(folder) for folder in bench.driver.git_dirs(place, bench.lowers))
    assert bench.told(place) == bench.visible(place)  # compared with the start, not with HEAD


@pytest.mark.parametrize("trick", ["shutil.rmtree('.git')",
    "shutil.rmtree('.git'); open('.git', 'w').write('gitdir: /nowhere')",
    "shutil.rmtree('.git'); os.symlink('/etc', '.git')",
    "os.unlink('.git/HEAD'); os.symlink('/etc/passwd', '.git/HEAD')"])  # fmt: skip
def test_a_tree_without_its_git_directory_is_still_there(bench: Bench, trick: str) -> None:
    place = bench.create()
    bench.python(place, trick + "; open('README', 'w').write('mine')")
    assert bench.driver.presented(place)
    told = bench.told(place)
    assert told == bench.start() | {"README": ("file", "mine")}


def test_a_process_inside_is_reported(bench: Bench) -> None:
    place = bench.create()
    command = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    inside = subprocess.Popen(
        bench.driver.enter(place, command), cwd=place.tree, stdin=subprocess.PIPE
    )
    try:
        assert waiting.until(lambda: any(
            one.pid == inside.pid for one in bench.driver.occupants(place)), 5)  # fmt: skip
        (found,) = [one for one in bench.driver.occupants(place) if one.pid == inside.pid]
        assert found.how
        assert waiting.until(lambda: bool(bench.driver.occupants(place)[0].command), 5)
    finally:
        inside.communicate(b"")
    assert waiting.until(lambda: bench.driver.occupants(place) == [], 5)


def test_odd_paths_are_no_options(bench: Bench) -> None:
    for name in ("a,b", "a:b", "a\\b", "a b", "a\nb", "lowerdir=x", "é'\"", "\\054"):
        if ":" in name and bench.driver.name == "fuse_overlay":
            with pytest.raises(CarrelError, match="colon"):
                bench.create(name)
            continue
        place = bench.create(name)
        bench.python(place, "open('README', 'w').write('mine')")
        assert bench.driver.presented(place)
        assert bench.told(place)["README"] == ("file", "mine")


def test_a_missing_layer_is_named(bench: Bench) -> None:
    if not bench.driver.capabilities.layered:
        return  # a full checkout stands on nothing
    place = bench.place()
    os.makedirs(place.home)
    gone = [f"{bench.root}/nowhere"]

    def attempt() -> None:
        bench.driver.create(place, gone, bench.seed(place))
        bench.driver.present(place, gone)

    with pytest.raises(CarrelError) as caught:
        attempt()
    assert caught.value.code == "layer_missing"
    assert not bench.driver.presented(place)
    bench.made.append(place)
    bench.driver.create(place, bench.lowers, bench.seed(place))  # and can be repeated
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == bench.start()


def test_a_removed_home_leaves_nothing(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "os.makedirs('ro/in'); open('ro/in/f', 'w').close(); os.chmod('ro', 0o500)")
    bench.driver.withdraw(place)
    aside = f"{bench.root}/workspaces/.trash/{place.workspace_id}"
    assert disk.rename_aside(place.home, aside)
    disk.delete_tree(aside)
    assert not os.path.lexists(aside)
    assert not bench.lowers or os.path.exists(f"{bench.lowers[0]}/README")


def test_a_probe_leaves_nothing(bench: Bench) -> None:
    before = sorted(os.listdir(bench.root))
    for _ in range(2):
        assert bench.driver.probe(str(bench.root)).works
    assert sorted(os.listdir(bench.root)) == before


def test_what_a_killed_probe_left_is_cleared_away(bench: Bench) -> None:
    if not bench.driver.capabilities.mounts:
        return  # a folder is all that is left
    left = f"{bench.root}/.carrel-probe-x"
    place = replace(bench.place(), home=f"{left}/{bench.driver.name}")
    os.makedirs(place.home)
    bench.driver.create(place, bench.lowers, bench.seed(place))
    bench.driver.present(place, bench.lowers)
    assert bench.driver.probe(str(bench.root)).works
    assert not os.path.exists(left)


def test_a_probe_of_a_place_that_cannot_be_written_says_so(bench: Bench) -> None:
    probe = bench.driver.probe(f"{bench.root}/nowhere")
    assert not probe.works
    assert probe.why


def test_layers_are_looked_through_from_the_top(bench: Bench) -> None:
    if not bench.driver.capabilities.layered:
        return  # a full checkout stands on nothing
    bench.second_commit()
    place = bench.create()
    start = bench.visible(place)
    assert start["many/four"] == ("file", "4\n")
    assert not {"many/one", "twin/same", "deep/a/other"} & start.keys()
    assert bench.run(place, "git", "status", "--porcelain") == ""
    bench.python(place, "os.mkdir('twin'); open('twin/x', 'w').write('x'); os.unlink('many/two'); "
                 "open('deep/a/own', 'w').close()")  # fmt: skip
    asked: list[bytes] = []
    told = bench.told(place, lambda path: bool(asked.append(path)), start)
    assert told == bench.visible(place)
    assert asked == [b"twin"]
