"""Moving objects between stores: all that is needed, nothing twice, nothing half."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.git.landing import landing
from carrel.git.objects import FILE, Entry, PackWriter, Reader
from carrel.git.storing import transport
from carrel.git.storing.transport import Transfer, adopt_pack, copy


@pytest.fixture
def target(bench, tmp_path, make_clone):
    """A store that has what upstream has."""
    bench.clone.git("clone", "-q", "--bare", ".", str(tmp_path / "target.git"))
    reader = Reader(Git(str(tmp_path / "target.git")))
    yield reader
    reader.close()


def complete(reader: Reader, commit: str) -> bool:
    return reader.git.run("rev-list", "--objects", "--quiet", commit, ok=(0, 128)).code == 0


def test_exactly_the_missing_objects_are_found(bench, target) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"dir/d/e.txt": b"deep\n", b"b.txt": b"two, changed\n"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.missing([target], new, tip)
    expected = bench.stores.vault.run("rev-list", "--objects", new, f"^{tip}").out.split(b"\n")
    assert set(lacking) == {line[:40].decode() for line in expected if line}
    assert transfer.missing([target], new, None) is not None
    assert set(transfer.missing([target], new, None)) == set(lacking)
    transfer.write(f"{target.git.git_dir}/objects", lacking)
    assert complete(target, new)
    assert transfer.missing([target], new, tip) == []
    assert transfer.write(f"{target.git.git_dir}/objects", []) is None


def test_several_commits_and_a_side_branch_come_along(bench, target) -> None:
    tip = bench.clone.tip("main")
    side = bench.merge(bench.merge(tip, {b"s1": b"1"}), {b"s2": b"2"})
    new = bench.merge(tip, {b"s1": b"1", b"s2": b"2"}, parents=(side,))
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.missing([target], new, tip)
    transfer.write(f"{target.git.git_dir}/objects", lacking)
    assert complete(target, new)
    assert complete(target, side)


def test_what_any_of_several_stores_lacks_is_found(bench, target) -> None:
    tip = bench.clone.tip("main")
    one = bench.merge(tip, {b"x": b"1"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    transfer.write(
        f"{bench.stores.base.git_dir}/objects",
        transfer.missing([bench.stores.base_reader], one, tip),
    )
    assert transfer.missing([bench.stores.base_reader], one, tip) == []
    assert transfer.missing([bench.stores.base_reader, target], one, tip) != []


def test_moved_folders_need_nothing_but_trees(bench, target) -> None:
    tip = bench.clone.tip("main")
    tree = bench.stores.vault_reader.tree(tip)[b"dir"].oid
    writer = PackWriter(f"{bench.stores.vault.git_dir}/objects")
    root = writer.tree([(b"moved", Entry(0o040000, tree))])
    writer.flush()
    new = landing.commit(
        bench.stores, tree=root, parents=(tip,), message="m",
        when=datetime(2026, 1, 1, tzinfo=UTC), identity=("a", "b"),
    )  # fmt: skip
    assert set(Transfer(bench.stores.vault_reader, 20).missing([target], new, tip)) == {new, root}


def test_submodules_are_nobodys_objects(bench, target) -> None:
    tip = bench.clone.tip("main")
    writer = PackWriter(f"{bench.stores.vault.git_dir}/objects")
    root = writer.tree(
        [(b"sub", Entry(0o160000, "1" * 40)), (b"f", Entry(FILE, writer.blob(b"f")))]
    )
    writer.flush()
    transfer = Transfer(bench.stores.vault_reader, 20)
    commit = f"tree {root}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nm"
    writer.add("commit", commit.encode())
    oid = writer.add("commit", commit.encode())
    writer.flush()
    assert len(transfer.missing([target], oid, tip)) == 3


def test_too_much_is_left_to_git(bench, target, monkeypatch) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"%d" % n: b"%d" % n for n in range(20)})
    monkeypatch.setattr(transport, "FEW", 10)
    assert Transfer(bench.stores.vault_reader, 20).missing([target], new, tip) is None
    monkeypatch.undo()
    monkeypatch.setattr(transport, "_LARGE", 5)
    assert Transfer(bench.stores.vault_reader, 20).missing([target], new, tip) is None
    copy(bench.stores.vault, target.git, [new], [tip, "1" * 40])
    assert complete(target, new)
    copy(bench.stores.vault, target.git, [new], [tip])  # again
    assert target.git.run("fsck", "--strict").code == 0


def test_a_malformed_object_does_not_pass(bench, target) -> None:
    writer = PackWriter(f"{bench.stores.vault.git_dir}/objects")
    root = writer.tree([(b".git", Entry(FILE, writer.blob(b"evil")))])
    bad = writer.add(
        "commit", f"tree {root}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nm".encode()
    )
    writer.flush()
    before = os.listdir(f"{target.git.git_dir}/objects/pack")
    with pytest.raises(FailedError):
        copy(bench.stores.vault, target.git, [bad], [])
    assert os.listdir(f"{target.git.git_dir}/objects/pack") == before
    assert [name for name in os.listdir(f"{target.git.git_dir}/objects") if "carrel" in name] == []


def test_a_damaged_object_is_not_passed_on(bench, target) -> None:
    transfer = Transfer(bench.stores.vault_reader, 20)
    transfer.found["1" * 40] = ("blob", b"not what it says")
    with pytest.raises(FailedError) as caught:
        transfer.write(f"{target.git.git_dir}/objects", ["1" * 40])
    assert caught.value.code == "store_damaged"


def test_a_pack_is_shared_or_copied(bench, target, monkeypatch) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"x": b"1"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.missing([target], new, tip)
    name = transfer.write(f"{bench.stores.base.git_dir}/objects", lacking)
    for _ in range(2):
        adopt_pack(name, f"{target.git.git_dir}/objects")
    assert os.stat(f"{name}.pack").st_nlink == 2
    assert complete(target, new)
    monkeypatch.setattr(os, "link", refuse)
    other = f"{bench.stores.home}/other"
    adopt_pack(name, other)
    copied = Path(other, "pack", os.path.basename(name) + ".pack")
    assert copied.read_bytes() == Path(f"{name}.pack").read_bytes()
    assert sorted(p.suffix for p in copied.parent.iterdir()) == [".idx", ".pack"]


def refuse(*_: object) -> None:
    raise OSError(18, "another file system")
