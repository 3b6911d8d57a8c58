import json
from pathlib import Path

import pytest

from carrel.backends.local import ladder
from carrel.backends.local.ladder import LocalLadder, load, names
from carrel.domain.workspaces import Place
from carrel.errors import BadInputError, FailedError
from carrel.ports.driver import Probe
from carrel.system import namespaces


def test_names_are_ordered_and_complete() -> None:
    assert names() == ("overlay", "user_overlay", "snapshot", "fuse_overlay", "checkout")
    assert [load(name).name for name in names()] == list(names())
    assert load("fuse-overlay").name == "fuse_overlay"


@pytest.mark.parametrize("name", ["overlai", "upper", "", "a.b", "../x"])
def test_an_unknown_driver_is_answered_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError) as caught:
        LocalLadder(str(tmp_path)).driver(name)
    assert caught.value.code == "unknown_driver"
    assert "overlay" in caught.value.cure


def test_auto_takes_the_fastest_with_a_host_path(tmp_path: Path) -> None:
    rungs = LocalLadder(str(tmp_path)).explain(str(tmp_path / "ws"))
    working = [rung for rung in rungs if rung.probe.works and rung.capabilities.host_path]
    assert [rung.name for rung in rungs if rung.chosen] == [working[0].name]
    assert LocalLadder(str(tmp_path)).choose(str(tmp_path / "ws")).name == working[0].name
    assert rungs[-1].name == "checkout"
    assert rungs[-1].probe.works
    for rung in rungs:
        assert rung.probe.why.endswith(".")
        assert rung.probe.works or rung.probe.cure.endswith("."), rung
    assert list((tmp_path / "ws").iterdir()) == []


def test_what_was_found_out_is_remembered_until_the_next_boot(tmp_path: Path) -> None:
    state, where = tmp_path / "state", str(tmp_path / "ws")
    chosen = LocalLadder(str(state)).choose(where)
    memory = state / "drivers.json"
    found = json.loads(memory.read_text())
    key = next(iter(found["found"]))
    assert found["found"][key][chosen.name] is True
    found["found"][key] = {name: name == "checkout" for name in names()}
    memory.write_text(json.dumps(found))
    assert LocalLadder(str(state)).choose(where).name == "checkout"  # no probe was made
    memory.write_text(json.dumps({**found, "boot": "another"}))
    assert LocalLadder(str(state)).choose(where).name == chosen.name
    memory.write_text(json.dumps(found))
    LocalLadder(str(state)).forget()
    assert LocalLadder(str(state)).choose(where).name == chosen.name


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"boot": 1}', '{"boot": "", "found": 3}'])
def test_a_broken_memory_is_no_memory(tmp_path: Path, garbage: str) -> None:
    (tmp_path / "drivers.json").write_text(garbage)
    assert LocalLadder(str(tmp_path)).choose(str(tmp_path / "ws")).name in names()


def test_a_wanted_driver_that_does_not_work_is_an_error_with_the_cure(tmp_path: Path) -> None:
    where = str(tmp_path / "ws")
    ladder_here = LocalLadder(str(tmp_path))
    if load("snapshot").probe(str(tmp_path)).works:
        pytest.skip("the temporary folder is on btrfs")
    for _ in range(2):  # a failure is probed again, it may be cured by now
        with pytest.raises(FailedError) as caught:
            ladder_here.choose(where, "snapshot")
        assert caught.value.code == "driver_unusable"
        assert "btrfs" in caught.value.why
        assert "ZFS" in caught.value.cure
    assert ladder_here.choose(where, "checkout").name == "checkout"


def test_a_place_that_cannot_be_written_has_no_driver(tmp_path: Path) -> None:
    probes = [load(name).probe(str(tmp_path / "missing")) for name in ladder.ORDER]
    assert [probe.works for probe in probes] == [False] * len(probes)
    assert all(isinstance(probe, Probe) and probe.why for probe in probes)


def test_one_driver_is_imported_to_use_one() -> None:
    place = Place("ws-1", "/nowhere", "/nowhere", "checkout", "0" * 40, "b")
    assert load("checkout").enter(place, ["a", "b"]) == ["a", "b"]
    kept = namespaces.Holder(1, "2", "mnt:[3]", 4)
    assert namespaces.entering(kept, "/tree", ["ls"])[-3:] == ["env", "--chdir=/tree", "ls"]
