"""No tree is ever shown twice, and nobody who still sees one is overlooked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.forks import at_once, killed_at

from carrel.backends.local import survivors
from carrel.backends.local.layered import upper_of, work_of
from carrel.domain.workspaces import Place
from carrel.errors import CarrelError, RefusedError
from carrel.system import daemons, disk, mounts, pins, processes_seen, waiting

Bench = Any  # tests/contract/conftest.py

SLEEP = "import sys, os; print('here', flush=True); sys.stdin.read()"


@contextmanager
def living(command: list[str], cwd: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a command that says when it is there and stays until its input closes."""
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def occupant(bench: Bench, place: Place, *prefix: str) -> list[str]:
    return bench.driver.enter(place, [*prefix, sys.executable, "-I", "-S", "-c", SLEEP])


def times_mounted(place: Place) -> int:
    upper = os.fsencode(upper_of(place))
    tree = os.fsencode(place.tree)
    return sum(mount.upper == upper or mount.point == tree for mount in mounts.mounts())


def only(*names: str) -> pytest.MarkDecorator:
    """Keep the drivers that a test is about, without a skip for each of the others."""
    marks = [pytest.param(name, marks=pytest.mark.real) for name in names]
    return pytest.mark.parametrize("bench", marks, indirect=True)


MOUNTING = only("overlay", "user_overlay", "fuse_overlay")


USES = {
    "works in the tree": "import os; os.chdir('.')",
    "has files of the tree open": "import os; open_file = open('README'); os.chdir('/')",
    "has files of the tree mapped": "import mmap, os; file = open('README');"
    " seen = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); os.chdir('/');"
    " os.closerange(3, 99)",
}


@only("overlay")
@pytest.mark.parametrize("how", USES)
def test_whoever_uses_the_tree_is_named_and_an_idle_one_stays_shown(bench: Bench, how: str) -> None:
    place = bench.create()
    for _ in range(3):  # the kernel unmounts an idle mount when it is asked carelessly twice
        assert bench.driver.occupants(place) == []
    assert bench.driver.presented(place)
    command = [sys.executable, "-I", "-S", "-c", f"{USES[how]}; {SLEEP}"]
    with living(command, place.tree) as using:
        assert [(one.pid, one.how) for one in bench.driver.occupants(place)] == [(using.pid, how)]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at once who stays: nobody is on the way out."""
    monkeypatch.setattr(survivors, "_GRACE", 0.1)


@MOUNTING
@pytest.mark.usefixtures("hasty")
def test_a_process_that_stays_inside_forbids_a_second_mount(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine')")
    with living(occupant(bench, place), place.tree) as sitting:
        bench.driver.withdraw(place)
        assert not bench.driver.presented(place)
        with pytest.raises(RefusedError) as caught:
            bench.driver.present(place, bench.lowers)
        assert caught.value.code == "upper_in_use"
        assert str(sitting.pid) in caught.value.why
        assert "python" in caught.value.why
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place)["README"] == ("file", "mine")


@MOUNTING
@pytest.mark.usefixtures("hasty")
def test_a_namespace_that_keeps_the_mount_forbids_a_second_one(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine')")
    apart = ["unshare", "--mount", "--propagation=private"]
    if bench.driver.name == "user_overlay" or os.geteuid() != 0:
        apart.insert(1, "--map-current-user")
    apart += ["env", "--chdir=/"]
    with living(occupant(bench, place, *apart), "/") as keeping:
        listed = {one.pid: one.how for one in bench.driver.occupants(place)}
        assert listed == {keeping.pid: "still sees the mount"}
        bench.driver.withdraw(place)
        assert keeping.pid in {one.pid for one in bench.driver.occupants(place)}
        with pytest.raises(RefusedError) as caught:
            bench.driver.present(place, bench.lowers)
        assert caught.value.code == "upper_in_use"
        assert str(keeping.pid) in caught.value.why
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place)["README"] == ("file", "mine")


@MOUNTING
def test_somebody_on_the_way_out_is_waited_for(bench: Bench) -> None:
    place = bench.create()
    held = None
    if bench.driver.capabilities.host_path:
        held = os.open(place.tree, os.O_PATH)  # ours, and so nobody is named
    bench.driver.withdraw(place)
    if held is not None:
        closing = subprocess.Popen(["sleep", "0.4"], pass_fds=[held])
        os.close(held)
        closing.wait()
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == bench.start()


@MOUNTING
def test_the_tree_comes_back_after_a_reboot(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine'); os.unlink('run.sh')")
    before = bench.visible(place)
    if bench.driver.name == "user_overlay":
        os.kill(json.loads(Path(place.home, "holder").read_text())["pid"], signal.SIGKILL)
    elif bench.driver.name == "fuse_overlay":
        os.kill(daemons.find("fuse-overlayfs", place.tree), signal.SIGKILL)
        subprocess.run(["fusermount3", "-u", "-z", place.tree], check=True)
    else:
        mounts.detach(place.tree)
    assert waiting.until(lambda: not bench.driver.presented(place), 5)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == before


@MOUNTING
def test_many_processes_present_at_once(bench: Bench) -> None:
    place = bench.create()
    bench.driver.withdraw(place)
    pins.let_go()
    at_once([lambda: bench.driver.present(place, bench.lowers)] * 6)
    assert bench.driver.presented(place)
    if bench.driver.capabilities.host_path:
        assert times_mounted(place) == 1
    assert bench.visible(place) == bench.start()


POINTS = {
    "overlay": ("driver.sown", "driver.upper", "driver.mounted"),
    "user_overlay": ("driver.sown", "driver.upper", "driver.mounted", "driver.held"),
    "fuse_overlay": ("driver.sown", "driver.upper", "driver.mounted"),
    "snapshot": ("driver.template", "driver.snapshot", "driver.sown", "driver.index",
                 "driver.tree"),
    "checkout": ("driver.sown", "driver.checked_out", "driver.index", "driver.tree"),
}  # fmt: skip


def made(bench: Bench, place: Place) -> None:
    bench.driver.create(place, bench.lowers, bench.seed(place))
    bench.driver.present(place, bench.lowers)


def test_creating_can_be_killed_anywhere_and_repeated(bench: Bench) -> None:
    for point in POINTS[bench.driver.name]:
        place = bench.place(point.replace(".", "-"))
        os.makedirs(place.home)
        bench.made.append(place)
        killed_at(point, partial(made, bench, place))
        bench.driver.create(place, bench.lowers, bench.seed(place))
        bench.driver.present(place, bench.lowers)
        assert bench.visible(place) == bench.start()
        assert bench.run(place, "git", "status", "--porcelain") == ""
        assert times_mounted(place) <= 1


@MOUNTING
def test_files_written_while_the_tree_was_hidden_are_not_covered(bench: Bench) -> None:
    place = bench.create()
    bench.driver.withdraw(place)
    Path(place.tree, "stray").write_text("precious")
    with pytest.raises(RefusedError) as caught:
        bench.driver.present(place, bench.lowers)
    assert caught.value.code == "tree_not_empty"
    assert "'stray'" in caught.value.why
    Path(place.tree, "stray").unlink()
    bench.driver.present(place, bench.lowers)


@MOUNTING
def test_a_home_that_was_moved_and_brought_back_can_be_shown(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine')")
    bench.driver.withdraw(place)
    bench.driver.present(place, bench.lowers)
    bench.driver.withdraw(place)
    os.rename(place.home, place.home + ".aside")
    os.rename(place.home + ".aside", place.home)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place)["README"] == ("file", "mine")


@MOUNTING
def test_a_home_restored_from_a_copy_can_be_shown(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine'); os.unlink('run.sh')")
    before = bench.visible(place)
    bench.driver.withdraw(place)
    bench.driver.present(place, bench.lowers)
    bench.driver.withdraw(place)
    copy = place.home + ".copy"
    # Only root can copy the overlay's own scratch folder; nobody misses it.
    subprocess.run(["cp", "--archive", place.home, copy], check=os.geteuid() == 0)
    waiting.until(lambda: False, 0.3)
    disk.delete_tree(place.home)
    os.rename(copy, place.home)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == before


@only("overlay")
def test_the_kernel_itself_refuses_a_second_mount(bench: Bench) -> None:
    place = bench.create()
    bench.driver.withdraw(place)
    bench.driver.present(place, bench.lowers)
    other = f"{bench.root}/other"
    os.mkdir(other)
    options = mounts.overlay_options(
        bench.lowers, upper_of(place), work_of(place), b"redirect_dir=on,index=on"
    )
    with pytest.raises(OSError, match="busy"):
        mounts.mount_overlay(other, options)


@only("overlay")
def test_something_else_at_the_mount_point_is_refused(bench: Bench) -> None:
    place = bench.create()
    bench.driver.withdraw(place)
    subprocess.run(["mount", "-t", "tmpfs", "none", place.tree], check=True)
    try:
        assert not bench.driver.presented(place)
        with pytest.raises(RefusedError) as caught:
            bench.driver.present(place, bench.lowers)
        assert caught.value.code == "tree_occupied"
        bench.driver.withdraw(place)
        assert times_mounted(place) == 1  # what is not ours is not unmounted
    finally:
        subprocess.run(["umount", place.tree], check=True)


@only("overlay")
def test_a_service_that_receives_our_mounts_keeps_none(bench: Bench) -> None:
    subprocess.run(["mount", "--bind", bench.root, bench.root], check=True)
    subprocess.run(["mount", "--make-shared", bench.root], check=True)
    try:
        place = bench.create()
        follower = ["unshare", "--mount", "--propagation=slave", sys.executable, "-c", SLEEP]
        with living(follower, place.tree) as sitting:
            listed = [(one.pid, one.sits) for one in bench.driver.occupants(place)]
            assert listed == [(sitting.pid, True)]
        with living(follower, "/"):
            assert bench.driver.occupants(place) == []
            bench.driver.withdraw(place)
            bench.driver.present(place, bench.lowers)
            assert bench.driver.presented(place)
        bench.close()
    finally:
        subprocess.run(["umount", "--lazy", bench.root], check=True)


@only("user_overlay")
def test_a_namespace_without_its_holder_is_adopted(bench: Bench) -> None:
    place = bench.create()
    note = Path(place.home, "holder")
    first = json.loads(note.read_text())
    writer = (
        "import sys\nprint('here', flush=True)\nsys.stdin.readline()\n"
        "open('README', 'w').write('from inside')\nprint('done', flush=True)"
    )
    command = bench.driver.enter(place, [sys.executable, "-I", "-S", "-u", "-c", writer])
    with living(command, "/") as inside:
        os.kill(first["pid"], signal.SIGKILL)
        assert waiting.until(lambda: not bench.driver.presented(place), 5)
        assert inside.pid in {one.pid for one in bench.driver.occupants(place)}
        bench.driver.present(place, bench.lowers)
        second = json.loads(note.read_text())
        assert second["space"] == first["space"]
        assert second["pid"] != first["pid"]
        assert inside.stdin
        assert inside.stdout
        inside.stdin.write(b"go\n")
        inside.stdin.flush()
        assert inside.stdout.readline() == b"done\n"
    assert bench.visible(place)["README"] == ("file", "from inside")
    assert bench.told(place) == bench.visible(place)


@only("user_overlay")
def test_entering_adopts_too_and_says_when_nothing_is_there(bench: Bench) -> None:
    place = bench.create()
    pid = json.loads(Path(place.home, "holder").read_text())["pid"]
    with living(occupant(bench, place), "/"):
        os.kill(pid, signal.SIGKILL)
        assert waiting.until(lambda: not bench.driver.presented(place), 5)
        assert bench.visible(place) == bench.start()
    bench.driver.withdraw(place)
    with pytest.raises(CarrelError) as caught:
        bench.driver.enter(place, ["true"])
    assert caught.value.code == "not_presented"


@only("user_overlay")
def test_a_frozen_holder_changes_nothing(bench: Bench) -> None:
    place = bench.create()
    pid = json.loads(Path(place.home, "holder").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert waiting.until(lambda: processes_seen.frozen(pid), 5)
    assert bench.driver.presented(place)
    bench.python(place, "open('README', 'w').write('mine')")
    bench.driver.withdraw(place)
    assert not bench.driver.presented(place)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place)["README"] == ("file", "mine")


@only("user_overlay")
def test_another_process_with_the_holders_number_is_no_holder(bench: Bench) -> None:
    place = bench.create()
    bench.driver.withdraw(place)
    note = Path(place.home, "holder")
    with living([sys.executable, "-c", SLEEP], "/") as stranger:
        started = processes_seen.started(stranger.pid)
        space = processes_seen.namespace(stranger.pid)
        values = {"pid": stranger.pid, "started": started, "space": space, "device": 1}
        for changes in ({}, {"started": "1"}, {"space": "mnt:[1]"}):
            note.write_text(json.dumps(values | changes))
            assert not bench.driver.presented(place)
            bench.driver.withdraw(place)
            assert stranger.poll() is None


@only("fuse_overlay")
def test_a_killed_server_is_replaced(bench: Bench) -> None:
    place = bench.create()
    bench.python(place, "open('README', 'w').write('mine')")
    os.kill(daemons.find("fuse-overlayfs", place.tree), signal.SIGKILL)
    assert waiting.until(lambda: not bench.driver.presented(place), 5)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place)["README"] == ("file", "mine")
    assert times_mounted(place) == 1


@only("fuse_overlay")
def test_a_frozen_server_is_named_and_nothing_hangs(bench: Bench) -> None:
    place = bench.create()
    server = daemons.find("fuse-overlayfs", place.tree)
    os.kill(server, signal.SIGSTOP)
    try:
        assert waiting.until(lambda: processes_seen.frozen(server), 5)
        assert not bench.driver.presented(place)
        with pytest.raises(RefusedError) as caught:
            bench.driver.present(place, bench.lowers)
        assert caught.value.code == "upper_in_use"
        assert str(server) in caught.value.why
        assert bench.told(place) == bench.start()
        bench.driver.occupants(place)
    finally:
        os.kill(server, signal.SIGCONT)
    bench.driver.present(place, bench.lowers)
    assert bench.visible(place) == bench.start()


@only("fuse_overlay")
def test_what_is_written_can_be_read_in_the_upper_directory_at_once(bench: Bench) -> None:
    place = bench.create()
    with open(f"{place.tree}/README", "r+b", buffering=0) as file:
        file.write(b"HELLO")
        assert Path(upper_of(place), "README").read_bytes() == b"HELLO\n"
