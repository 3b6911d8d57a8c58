"""Plain loose objects get into the vault without a process, and only what git would take."""

import zlib
from collections.abc import Callable, Mapping
from hashlib import sha1

import pytest

from carrel.git.capturing.adopt import adopt
from carrel.git.capturing.plainobjects import taken_in
from carrel.git.gateway import Git
from carrel.testing.desk import Desk

Objects = dict[str, bytes]

PERSON = b"A <a@b> 1700000000 +0000\n"
MISSING = "12" * 20
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The empty tree; git has it everywhere."""


class Box:
    """Loose objects by id, as an occupant's git would have stored them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.stored: Objects = {}
        self.start_tree = desk.stores.vault_reader.commit(desk.start).tree

    def put(self, kind: str, data: bytes, *, said: int | None = None) -> str:
        whole = b"%s %d\0%s" % (kind.encode(), len(data) if said is None else said, data)
        oid = sha1(whole, usedforsecurity=False).hexdigest()
        self.stored[oid] = zlib.compress(whole)
        return oid

    def tree(self, *entries: tuple[bytes, bytes, str]) -> str:
        rows = [b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in entries]
        return self.put("tree", b"".join(rows))

    def commit(
        self, tree: str, *parents: str, head: bytes = b"", tail: bytes = b"\nwords\n"
    ) -> str:
        lines = [b"tree %s\n" % tree.encode(), *(b"parent %s\n" % one.encode() for one in parents)]
        head = head or b"author " + PERSON + b"committer " + PERSON
        return self.put("commit", b"".join(lines) + head + tail)

    def taken(self) -> bool:
        vault = f"{self.desk.subject.place.vault}/objects"
        reader = self.desk.stores.vault_reader
        done = taken_in(self.stored, self.stored, vault, reader)
        known = {oid for oid in self.stored if reader.info(oid) is not None} - {EMPTY}
        assert known == (self.stored.keys() - {EMPTY} if done else set())
        return done

    def judged_by_git(self) -> bool:
        """Tell whether git takes the objects in, from a pack it made of them itself."""
        for oid, stored in self.stored.items():
            folder = self.desk.tree / ".git/objects" / oid[:2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / oid[2:]).write_bytes(stored)
        feed = "".join(f"{oid}\n" for oid in self.stored).encode()
        theirs = self.desk.stores.base.with_(
            env={
                "GIT_OBJECT_DIRECTORY": f"{self.desk.tree}/.git/objects",
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{self.desk.subject.place.base}/objects",
            }
        )
        packed = theirs.run("pack-objects", "--stdout", "-q", stdin=feed, ok=(0, 1, 128))
        done = self.desk.stores.vault.run(
            "index-pack", "--strict", "--stdin", stdin=packed.out, ok=(0, 1, 128)
        )
        return packed.code == 0 and done.code == 0


@pytest.fixture
def box(desk: Desk) -> Box:
    return Box(desk)


def test_plain_history_is_taken_in(box: Box) -> None:
    blob = box.put("blob", b"new\n")
    inner = box.tree((b"100755", b"run", blob), (b"120000", b"way", blob))
    top = box.tree(
        (b"100644", b".gitignore", blob), (b"40000", b"a", inner), (b"160000", b"b", MISSING)
    )
    one = box.commit(top, box.desk.start)
    two = box.commit(box.start_tree, box.desk.start)
    box.commit(inner, one, two, tail=b"gpgsig x\n y\n\nwords\n")
    assert box.taken()


def test_an_empty_tree_and_a_root_are_plain(box: Box) -> None:
    box.commit(box.tree())
    assert box.taken()


TREES: Mapping[str, Callable[[Box, str], list[tuple[bytes, bytes, str]]]] = {
    "unsorted": lambda _, blob: [(b"100644", b"b", blob), (b"100644", b"a", blob)],
    "twice": lambda _, blob: [(b"100644", b"a", blob), (b"100644", b"a", blob)],
    "git's folder": lambda box, _: [(b"40000", b".git", box.tree())],
    "git's folder in capitals": lambda box, _: [(b"40000", b".GIT", box.tree())],
    "git's folder's short name": lambda box, _: [(b"40000", b"git~1", box.tree())],
    "git's folder, unseen letter": lambda box, _: [(b"40000", b".g\xe2\x80\x8cit", box.tree())],
    "the folder above": lambda box, _: [(b"40000", b"..", box.tree())],
    "a path": lambda _, blob: [(b"100644", b"a/b", blob)],
    "no name": lambda _, blob: [(b"100644", b"", blob)],
    "nothing": lambda _box, _blob: [(b"100644", b"a", "0" * 40)],
    "a linked .gitmodules": lambda _, blob: [(b"120000", b".gitmodules", blob)],
    "what is missing": lambda _box, _blob: [(b"100644", b"a", MISSING)],
    "a missing folder": lambda _box, _blob: [(b"40000", b"a", MISSING)],
    "a folder that is a file": lambda _, blob: [(b"40000", b"a", blob)],
    "a file that is a folder": lambda box, _: [(b"100644", b"a", box.tree())],
    "a stored folder as a file": lambda box, _: [(b"100644", b"a", box.start_tree)],
}


@pytest.mark.parametrize("what", TREES)
def test_a_tree_that_git_refuses_is_left_to_git(box: Box, what: str) -> None:
    tree = box.tree(*TREES[what](box, box.put("blob", b"[core]\n")))
    box.commit(tree, box.desk.start)
    assert not box.taken()
    assert not box.judged_by_git()


HEADS = {
    "no author": b"committer " + PERSON,
    "two authors": b"author " + PERSON + b"author " + PERSON + b"committer " + PERSON,
    "no date": b"author A <a@b>\ncommitter " + PERSON,
    "no address": b"author A 1 +0000\ncommitter " + PERSON,
    "a date with zeros": b"author A <a@b> 01 +0000\ncommitter " + PERSON,
    "another order": b"committer " + PERSON + b"author " + PERSON,
}


@pytest.mark.parametrize("what", HEADS)
def test_a_commit_that_git_refuses_is_left_to_git(box: Box, what: str) -> None:
    box.commit(box.start_tree, box.desk.start, head=HEADS[what])
    assert not box.taken()
    assert not box.judged_by_git()


@pytest.mark.parametrize("parent", [MISSING, "tree"])
def test_a_commit_without_its_parent_is_left_to_git(box: Box, parent: str) -> None:
    box.commit(box.start_tree, box.start_tree if parent == "tree" else parent)
    assert not box.taken()


def test_what_merely_looks_odd_is_left_to_git(box: Box) -> None:
    box.tree((b"100644", "grüße".encode(), box.put("blob", b"hello")))
    assert not box.taken()
    assert box.judged_by_git()


def test_a_tag_is_left_to_git(box: Box) -> None:
    start = box.desk.start.encode()
    box.put("tag", b"object %s\ntype commit\ntag v\ntagger " % start + PERSON + b"\nwords\n")
    assert not box.taken()
    assert box.judged_by_git()


@pytest.mark.parametrize("how", ["other bytes", "cut", "longer", "wrong size", "rubbish", "gone"])
def test_a_file_that_does_not_fit_its_name_is_left_to_git(box: Box, how: str) -> None:
    oid = box.put("blob", b"sound")
    stored = box.stored[oid]
    if how == "wrong size":
        box.stored.clear()
        box.put("blob", b"sound", said=4)
        assert not box.taken()
        return
    damaged: dict[str, bytes | None] = {
        "other bytes": zlib.compress(b"blob 5\0other"),
        "cut": stored[:-3],
        "longer": stored + b"x",
        "rubbish": b"rubbish",
        "gone": None,
    }
    vault = f"{box.desk.subject.place.vault}/objects"
    reader = box.desk.stores.vault_reader
    assert not taken_in([oid], {oid: damaged[how]}, vault, reader)
    assert reader.info(oid) is None


def test_an_ordinary_commit_starts_no_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("deep/er/file", b"1")
    desk.git("add", "deep")
    desk.git("commit", "-q", "-m", "own")
    desk.write("staged", b"2")
    desk.git("add", "staged")
    head, staged = desk.git("rev-parse", "HEAD"), desk.git("rev-parse", ":staged")
    with monkeypatch.context() as patched:
        patched.delattr(Git, "run")
        assert adopt(desk.subject).head == head
    reader = desk.stores.vault_reader
    assert reader.info(f"{head}:deep/er/file") is not None
    assert reader.info(staged) is not None
