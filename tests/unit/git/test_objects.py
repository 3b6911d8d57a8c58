"""The resident reader and the pack writer."""

import os

import pytest

from carrel.errors import NotFoundError
from carrel.git.gateway import Git
from carrel.git.objects import EXECUTABLE, FILE, LINK, TREE, Entry, PackWriter, Reader, parse_tree


@pytest.fixture
def reader(clone):
    made = Reader(Git(f"{clone.path}/.git"))
    yield made
    made.close()


def test_objects_are_read(clone, reader) -> None:
    tip = clone.tip("main")
    assert reader.info("main").oid == tip
    assert reader.info("nope") is None
    assert reader.read("main:a.txt")[1] == b"one\n"
    assert reader.tree("main")[b"dir"].mode == TREE
    assert reader.commit("main").message == b"first\n"
    assert reader.commit("main").parents == ()
    with pytest.raises(NotFoundError):
        reader.read("main:nope")
    with pytest.raises(NotFoundError):
        reader.info("main\nmain")


def test_many_at_once_are_answered_in_order(clone, reader) -> None:
    oids = [clone.tip(f"main:{name}") for name in ("a.txt", "b.txt", "dir/c.txt")]
    names = [*oids, "nope", "1" * 40, "main"] * 50
    found = reader.infos(names)
    assert [info and info.oid for info in found] == [*oids, None, None, clone.tip("main")] * 50
    assert reader.infos([]) == []
    with pytest.raises(NotFoundError):
        reader.infos(["a\nb"])
    assert [data for _, data in reader.read_many(oids * 50)] == [
        b"one\n",
        b"two\n",
        b"three\n",
    ] * 50
    with pytest.raises(NotFoundError):
        reader.read_many([*oids, "1" * 40])


def test_a_dead_process_is_replaced(clone, reader) -> None:
    assert reader.info("main")
    reader._process._process.kill()  # noqa: SLF001
    reader._process._process.wait()  # noqa: SLF001
    assert reader.info("main")
    reader.close()
    assert reader.infos(["main"])[0].oid == clone.tip("main")


def test_a_fork_asks_a_process_of_its_own(clone, reader) -> None:
    tip = clone.tip("main")
    assert reader.info("main").oid == tip
    child = os.fork()
    if child == 0:
        os._exit(0 if reader.info("main").oid == tip else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert reader.info("main").oid == tip


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_written_pack_is_gits_own(form, make_clone) -> None:
    clone = make_clone("c", f"--object-format={form}")
    width = 20 if form == "sha1" else 32
    writer = PackWriter(f"{clone.path}/.git/objects", width)
    assert writer.flush() is None
    blobs = [writer.blob(b"%d" % n * n) for n in range(200)]
    inner = writer.tree([(b"z", Entry(FILE, blobs[1]))])
    entries = [
        (b"b", Entry(EXECUTABLE, blobs[2])),
        (b"a", Entry(TREE, inner)),
        (b"a.b", Entry(LINK, blobs[3])),
        (b"a-b", Entry(FILE, blobs[0])),
    ]
    root = writer.tree(entries)
    assert len(writer) == 202
    assert parse_tree(writer.pending(root), width)[b"b"].mode == EXECUTABLE
    name = writer.flush()
    assert len(writer) == 0
    assert writer.pending(root) is None
    clone.git("verify-pack", f"{name}.idx")
    assert clone.git("fsck", "--strict", "--no-dangling") == ""
    assert clone.git("ls-tree", "--name-only", root).split() == ["a-b", "a.b", "a", "b"]
    assert sorted(os.listdir(os.path.dirname(name))) == sorted(
        os.path.basename(name) + suffix for suffix in (".idx", ".pack")
    )


def test_a_pack_that_can_not_be_written_leaves_nothing(clone, monkeypatch) -> None:
    writer = PackWriter(f"{clone.path}/.git/objects")
    writer.blob(b"x")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        writer.flush()
    assert os.listdir(f"{clone.path}/.git/objects/pack") == []
