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
    lacking = transfer.missing([target], new)
    expected = bench.stores.vault.run("rev-list", "--objects", new, f"^{tip}").out.split(b"\n")
    assert set(lacking) == {line[:40].decode() for line in expected if line}
    assert set(transfer.beyond(new, tip)) == set(lacking)
    transfer.write(f"{target.git.git_dir}/objects", lacking)
    assert complete(target, new)
    assert transfer.missing([target], new) == []
    assert transfer.write(f"{target.git.git_dir}/objects", []) is None


def test_several_commits_and_a_side_branch_come_along(bench, target) -> None:
    tip = bench.clone.tip("main")
    side = bench.merge(bench.merge(tip, {b"s1": b"1"}), {b"s2": b"2"})
    new = bench.merge(tip, {b"s1": b"1", b"s2": b"2"}, parents=(side,))
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.missing([target], new)
    transfer.write(f"{target.git.git_dir}/objects", lacking)
    assert complete(target, new)
    assert complete(target, side)


def test_what_any_of_several_stores_lacks_is_found(bench, target) -> None:
    tip = bench.clone.tip("main")
    one = bench.merge(tip, {b"x": b"1"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    transfer.write(
        f"{bench.stores.base.git_dir}/objects",
        transfer.missing([bench.stores.base_reader], one),
    )
    assert transfer.missing([bench.stores.base_reader], one) == []
    assert transfer.missing([bench.stores.base_reader, target], one) != []


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
    assert set(Transfer(bench.stores.vault_reader, 20).missing([target], new)) == {new, root}


def test_submodules_are_nobodys_objects(bench, target) -> None:
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
    assert len(transfer.missing([target], oid)) == 3


def test_too_much_is_left_to_git(bench, target, monkeypatch) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"%d" % n: b"%d" % n for n in range(20)})
    monkeypatch.setattr(transport, "FEW", 10)
    assert Transfer(bench.stores.vault_reader, 20).missing([target], new) is None
    assert Transfer(bench.stores.vault_reader, 20).beyond(new, tip) is None
    monkeypatch.undo()
    monkeypatch.setattr(transport, "_LARGE", 5)
    transfer = Transfer(bench.stores.vault_reader, 20)
    assert transfer.write(f"{target.git.git_dir}/objects", transfer.beyond(new, tip)) is None
    assert not complete(target, new)
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


def packed_in(objects: str) -> set[str]:
    return {name for name in os.listdir(f"{objects}/pack") if name.endswith(".pack")}


def test_a_damaged_object_is_not_passed_on(bench, target) -> None:
    tip = bench.clone.tip("main")
    vault = f"{bench.stores.vault.git_dir}/objects"
    before = packed_in(vault)
    new = bench.merge(tip, {b"x": b"1"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.beyond(new, tip)
    for name in packed_in(vault) - before:
        path = Path(vault, "pack", name)
        data = bytearray(path.read_bytes())
        data[16] ^= 1  # in the first object, after the head and the kind
        path.chmod(0o644)
        path.write_bytes(data)
    with pytest.raises(FailedError) as caught:
        transfer.write(f"{target.git.git_dir}/objects", lacking)
    assert caught.value.code == "store_damaged"
    assert not complete(target, new)


def test_what_lies_packed_is_copied_as_it_lies(bench, target, monkeypatch) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"x": b"one\n" * 50, b"dir/y": b"two\n"})
    monkeypatch.setattr(Reader, "read_many", refuse_blobs(Reader.read_many))
    transfer = Transfer(bench.stores.vault_reader, 20)
    transfer.write(f"{target.git.git_dir}/objects", transfer.beyond(new, tip))
    assert complete(target, new)
    assert target.git.run("fsck", "--strict").code == 0


def test_what_git_packed_as_differences_or_left_loose_is_read_by_git(bench, target) -> None:
    tip = bench.clone.tip("main")
    text = b"".join(b"line %d\n" % number for number in range(500))
    one = bench.merge(tip, {b"x": text})
    two = bench.merge(one, {b"x": text + b"more\n"})
    bench.stores.vault.run("update-ref", "refs/heads/two", two)
    bench.stores.vault.run("repack", "-a", "-d", "-l", "-q", "--depth=5", "--window=5")
    data = b"loose\n"
    loose = bench.stores.vault.text("hash-object", "-w", "--stdin", stdin=data)
    fresh = PackWriter("")
    tree = bench.stores.vault_reader.tree(two)
    root = fresh.tree([*tree.items(), (b"loose", Entry(FILE, loose))])
    new = landing.commit(
        bench.stores, tree=root, parents=(two,), message="m",
        when=datetime(2026, 1, 1, tzinfo=UTC), identity=("a", "b"), fresh=fresh,
    )  # fmt: skip
    transfer = Transfer(bench.stores.vault_reader, 20, fresh)
    transfer.write(f"{target.git.git_dir}/objects", transfer.beyond(new, tip))
    assert complete(target, new)
    assert target.git.run("cat-file", "blob", f"{new}:loose").out == data
    assert target.git.run("fsck", "--strict").code == 0


def test_a_merge_among_the_new_commits_brings_both_its_sides(bench, target) -> None:
    tip = bench.clone.tip("main")
    one, two = bench.merge(tip, {b"1": b"1"}), bench.merge(tip, {b"2": b"2"})
    both = bench.merge(one, {b"2": b"2", b"3": b"3"}, parents=(two,))
    new = bench.merge(tip, {b"1": b"1", b"2": b"2", b"3": b"3"}, parents=(both,))
    transfer = Transfer(bench.stores.vault_reader, 20)
    transfer.write(f"{target.git.git_dir}/objects", transfer.beyond(new, tip))
    assert complete(target, new)


def refuse_blobs(real):
    def read(self, oids):
        found = real(self, oids)
        assert all(info.kind != "blob" for info, _ in found)
        return found

    return read


def test_a_pack_is_shared_or_copied(bench, target, monkeypatch) -> None:
    tip = bench.clone.tip("main")
    new = bench.merge(tip, {b"x": b"1"})
    transfer = Transfer(bench.stores.vault_reader, 20)
    lacking = transfer.missing([target], new)
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
