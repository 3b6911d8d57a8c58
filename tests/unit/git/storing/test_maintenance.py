"""Maintenance: fewer packs, nothing lost, readers undisturbed."""

import os
import time
from pathlib import Path

import pytest
from tests.forks import killed_at

from carrel.git import refs
from carrel.git.objects import PackWriter, Reader
from carrel.git.refs import Move
from carrel.git.storing import maintenance
from carrel.git.storing.stores import Stores


def fill(bench, count: int) -> list[str]:
    oids = []
    for n in range(count):
        writer = PackWriter(f"{bench.stores.vault.git_dir}/objects", bench.stores.width)
        oids.append(writer.blob(b"%d " % n * (n + 1)))
        name = writer.flush()
        os.utime(f"{name}.idx", (time.time() - 600, time.time() - 600))
    return oids


def test_small_packs_are_joined_and_nothing_is_lost(bench) -> None:
    oids = fill(bench, 30)  # nothing refers to them
    st = bench.stores
    reader = Reader(st.vault)
    assert all(reader.info(oid) for oid in oids)
    assert maintenance.maintain(st, dry_run=True)
    assert len(maintenance.packs(st.vault)) == 30
    told = maintenance.maintain(st)
    assert "packs" in told[0]
    assert len(maintenance.packs(st.vault)) < 16
    assert [reader.read(oid)[1] for oid in oids] == [b"%d " % n * (n + 1) for n in range(30)]
    reader.close()
    assert maintenance.maintain(st) == []
    assert st.vault.run("fsck", "--strict").code == 0


def test_a_kept_pack_stays(bench) -> None:
    fill(bench, 20)
    kept = maintenance.packs(bench.stores.vault)[0]
    Path(f"{kept}.keep").touch()
    maintenance.maintain(bench.stores)
    assert os.path.exists(f"{kept}.pack")


def test_loose_objects_are_packed(bench, monkeypatch) -> None:
    monkeypatch.setattr(maintenance, "MANY_LOOSE", 3)
    st = bench.stores
    oids = [st.vault.text("hash-object", "-w", "--stdin", stdin=b"%d" % n) for n in range(5)]
    assert "5 loose" in " ".join(maintenance.maintain(st))
    assert all(st.vault_reader.info(oid) for oid in oids)
    assert not any(
        len(name) == 2 and os.listdir(f"{st.vault.git_dir}/objects/{name}")
        for name in os.listdir(f"{st.vault.git_dir}/objects")
    )


def test_references_are_packed(bench, monkeypatch) -> None:
    monkeypatch.setattr(maintenance, "MANY_REFS", 3)
    st, tip = bench.stores, bench.clone.tip("main")
    names = [f"refs/carrel/ws/w/checkpoint/{n}" for n in range(5)]
    assert st.vault_refs.move([Move(name, tip, refs.zeros(20)) for name in names])
    maintenance.maintain(st)
    assert set(refs.listing(st.vault, "refs/carrel/")) == set(names)
    assert refs.tip(st.vault, names[0]) == tip
    assert not Path(st.vault.git_dir, names[0]).exists()
    assert st.vault_refs.move([Move(names[0], "", tip)])
    assert refs.tip(st.vault, names[0]) is None


def test_leftovers_are_swept_by_age_and_without_a_holder(bench) -> None:
    st = bench.stores
    pack = Path(st.vault.git_dir, "objects/pack")
    old, young, held = pack / "tmp_pack_old", pack / "tmp_pack_young", pack / "x.pack.1.2.tmp"
    lock = Path(st.vault.git_dir, "refs/heads/x.lock")
    folder = Path(st.base.git_dir, "objects/carrel-intake-x")
    folder.mkdir()
    (folder / "new.pack").touch()
    for file in (old, young, held, lock):
        file.touch()
    past = time.time() - 7200
    for file in (old, held, lock, folder):
        os.utime(file, (past, past))
    with held.open("rb"):
        told = maintenance.maintain(st)
        assert len(told) == 2
    assert [file.exists() for file in (old, young, held, lock, folder)] == [
        False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.crash
@pytest.mark.parametrize("point", ["maintain.packed", "maintain.published", "maintain.deleted:5"])
def test_a_kill_loses_nothing(bench, point: str) -> None:
    oids = fill(bench, 20)
    killed_at(point, lambda: maintenance.maintain(Stores(bench.stores.home)))
    assert all(bench.stores.vault_reader.info(oid) for oid in oids)
    maintenance.maintain(bench.stores)
    assert all(bench.stores.vault_reader.info(oid) for oid in oids)
    assert bench.stores.vault.run("fsck", "--strict").code == 0
