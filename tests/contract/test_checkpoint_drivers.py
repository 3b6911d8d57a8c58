"""Checkpoints, going back, and moving a branch, on every driver there is."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carrel.domain.workspaces import Place
from carrel.errors import RefusedError
from carrel.git.capturing.adopt import adopt
from carrel.git.capturing.checkpoint import capture
from carrel.git.capturing.subject import Subject
from carrel.git.restoring import restore
from carrel.git.storing.stores import Stores

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = {"100644": "file", "100755": "program", "120000": "link"}


class Engine:
    """The tree engine on one workspace of a driver's bench."""

    def __init__(self, bench: object, place: Place) -> None:
        self.bench = bench
        vault = f"{place.project_home}/vault.git"
        subprocess.run(["git", "init", "-q", "--bare", vault], check=True)
        Path(vault, "objects/info/alternates").write_text(f"{place.base}/objects\n")
        self.stores = Stores(place.project_home)
        lowers = tuple(bench.lowers)  # type: ignore[attr-defined]
        driver = bench.driver  # type: ignore[attr-defined]
        self.subject = Subject(self.stores, place, driver, lowers, True, True)
        self.start = self.last = place.layer

    def capture(self) -> str:
        head = adopt(self.subject).head
        captured = capture(
            self.subject,
            last=self.last,
            head=head,
            start=self.start,
            message="x",
            when=WHEN,
            identity=("a", "b"),
            max_file_bytes=1_000_000,
            allow_empty=False,
        )
        self.last = captured.commit
        return captured.commit

    def files(self, commit: str) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        listed = self.stores.vault.run("ls-tree", "-r", "-z", commit).out
        for line in listed.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, _, oid = facts.decode().split()
            data = self.stores.vault_reader.read(oid)[1].decode("latin-1")
            found[os.fsdecode(path)] = (KINDS[mode], data)
        return found

    def go(self, commit: str) -> None:
        self.capture()
        restore.apply(self.subject, from_commit=self.last, to_commit=commit)


@pytest.fixture
def engine(bench: object) -> Iterator[Engine]:
    bench.own_ground()  # type: ignore[attr-defined]
    made = Engine(bench, bench.create())  # type: ignore[attr-defined]
    yield made
    made.stores.close()


def do(engine: Engine, code: str) -> dict[str, tuple[str, str]]:
    """Work in the tree, take a checkpoint, and check that it shows what is visible."""
    place = engine.subject.place
    engine.bench.python(place, code)  # type: ignore[attr-defined]
    seen = engine.bench.visible(place)  # type: ignore[attr-defined]
    assert engine.files(engine.capture()) == seen
    return dict(seen)


STAGES = [
    "open('README', 'w').write('jello\\n')",
    "open('new', 'w').write('1'); os.makedirs('x/y'); open('x/y/z', 'w').write('1')",
    "os.unlink('new'); shutil.rmtree('x'); shutil.rmtree('many')",
    "os.mkdir('many'); open('many/two', 'w').write('other'); os.chmod('README', 0o755)",
    "os.symlink('README', 'away'); os.unlink('run.sh'); os.mkdir('run.sh')",
    "open('run.sh/inner', 'w').write('i'); shutil.rmtree('deep'); open('deep', 'w').write('d')",
    "os.unlink('deep'); os.makedirs('deep/a/b'); open('deep/a/b/f', 'w').write('f')",
]
RENAMES = [
    "os.rename('deep', 'moved'); open('moved/a/new', 'w').write('n')",
    "os.rename('moved/a/b', 'b'); os.unlink('moved/a/other')",
    "os.rename('many', 't'); os.rename('twin', 'many'); os.rename('t', 'twin')",
    "open('twin/more/three', 'a').write('4'); os.mkdir('deep'); open('deep/x', 'w').close()",
]


@pytest.mark.parametrize("renames", [False, True])
def test_every_state_is_recorded_and_comes_back(engine: Engine, renames: bool) -> None:
    capabilities = engine.subject.driver.capabilities
    states = {engine.start: engine.bench.start()}  # type: ignore[attr-defined]
    for code in RENAMES if renames else STAGES:
        # Without that capability a folder is moved as `mv` does it: copied, then deleted.
        moved = code if capabilities.directory_rename else code.replace("os.rename", "shutil.move")
        seen = do(engine, moved)
        states[engine.last] = seen
    for commit, seen in states.items():
        engine.go(commit)
        now = engine.bench.visible(engine.subject.place)  # type: ignore[attr-defined]
        assert now == seen
        assert engine.files(engine.capture()) == seen


def test_the_branch_moves_with_files_index_and_objects(engine: Engine) -> None:
    place, bench = engine.subject.place, engine.bench
    there = do(engine, "open('README', 'w').write('merged\\n'); open('new', 'w').write('n\\n')")
    commit = engine.last
    engine.go(engine.start)
    engine.go(commit)
    restore.advance_branch(engine.subject, commit)
    run = bench.run  # type: ignore[attr-defined]
    assert run(place, "git", "rev-parse", place.branch).strip() == commit
    assert run(place, "git", "status", "--short") == ""
    run(place, "git", "fsck", "--full", "--strict")
    run(place, "git", "commit", "-q", "--allow-empty", "-m", "on")
    assert engine.files(engine.capture()) == there


def test_the_occupants_commits_are_adopted(engine: Engine) -> None:
    place, run = engine.subject.place, engine.bench.run  # type: ignore[attr-defined]
    engine.bench.python(place, "open('own', 'w').write('1')")  # type: ignore[attr-defined]
    run(place, "git", "add", "-A")
    run(place, "git", "commit", "-q", "-m", "own")
    head = run(place, "git", "rev-parse", "HEAD").strip()
    adopted = adopt(engine.subject)
    assert adopted.head == head
    assert adopted.skipped == ()
    assert engine.capture() == head


def test_ignored_folders_and_special_files(engine: Engine) -> None:
    place = engine.subject.place
    engine.bench.python(  # type: ignore[attr-defined]
        place,
        "open('.gitignore', 'w').write('out/\\n*.log\\n'); os.makedirs('out/deep');"
        "open('out/deep/x', 'w').close(); open('a.log', 'w').close(); os.mkfifo('pipe');"
        "os.mkdir('more'); open('more/.gitignore', 'w').write('!a.log\\n');"
        "open('more/a.log', 'w').close()",
    )
    files = engine.files(engine.capture())
    new = set(files) - set(engine.bench.start())  # type: ignore[attr-defined]
    assert new == {".gitignore", "more/.gitignore", "more/a.log"}


def test_something_unknown_in_the_way_is_kept(engine: Engine) -> None:
    place, bench = engine.subject.place, engine.bench
    do(engine, "open('x.log', 'w').write('recorded')")
    recorded = engine.last
    do(engine, "os.unlink('x.log'); open('README', 'w').write('2')")
    bench.python(  # type: ignore[attr-defined]
        place, "open('.gitignore', 'w').write('*.log\\n'); open('y', 'w').close()"
    )
    engine.capture()
    before = engine.last
    bench.python(place, "open('x.log', 'w').write('precious')")  # type: ignore[attr-defined]
    with pytest.raises(RefusedError):
        restore.apply(engine.subject, from_commit=before, to_commit=recorded)
    seen = bench.visible(place)  # type: ignore[attr-defined]
    assert seen["x.log"] == ("file", "precious")
    assert seen["README"] == ("file", "2")
