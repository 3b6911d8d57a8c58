"""A disk that is full or can't be written: a typed error, nothing half-done, and later it works.

The state folder stands on a small file system of its own. It is filled until only so many
bytes are left, for many such numbers, so that every write is once the one that fails.
"""

import ctypes
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.crash.disk_world import ACTIONS, Act, World, git

from carrel.control.finding import find
from carrel.errors import FailedError, LimitError, RefusedError

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

SIZE = 24 << 20
LEVELS = (0, 8, 36, 80, 160, 420)
"""Free kilobytes to try with; 0 first, so that something must fail."""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(place)],
        check=True,
    )
    yield place
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    inside = [line.split()[4] for line in lines if line.split()[4].startswith(f"{place}/")]
    for mount in reversed(inside):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def filled(place: Path, left: int) -> Iterator[None]:
    """Fill a file system but for `left` bytes."""
    filler = place / "filler"
    handle = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        facts = os.statvfs(place)
        want = max(facts.f_bavail * facts.f_frsize - left, 0)
        os.posix_fallocate(handle, 0, max(want, 1))
        if not left:
            with suppress(OSError):
                while os.write(handle, b"x" * 4096):
                    pass
        yield
    finally:
        os.close(handle)
        filler.unlink()


def explained(error: BaseException) -> None:
    """Check that an error is one of ours, whole, and made for a person."""
    assert isinstance(error, LimitError | FailedError | RefusedError), repr(error)
    assert error.code
    assert error.what
    assert error.cure
    assert "Traceback" not in str(error)
    assert "Errno" not in str(error)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", "unset")


def sweep(world: World, small: Path, act: Act) -> int:
    """Try with more and more space until it works; return how often it failed."""
    failed, done = 0, False
    for left in LEVELS:
        world.reopen()
        before = world.users()
        try:
            with filled(small, left << 10):
                act(world)
        except Exception as error:  # noqa: BLE001 - anything but ours is the failure
            explained(error)
            failed += 1
            world.check()
            assert world.users() == before
        else:
            done = True
            break
    if not done:
        act(world)
    world.check()
    return failed


@pytest.mark.real
@pytest.mark.parametrize("driver", ["auto", "checkout"])
@pytest.mark.parametrize("name", ACTIONS)
def test_the_disk_of_the_state_folder_is_full(
    name: str, driver: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", driver)
    world = World(tmp_path / "project", small / "state")
    prepare, act = ACTIONS[name]
    prepare(world)
    failed = sweep(world, small, act)
    assert failed or name == "changes", "the disk was never full"
    world.close()


@pytest.mark.real
@pytest.mark.parametrize("name", ["merge", "remove"])
def test_the_disk_of_the_users_repository_is_full(name: str, small: Path, tmp_path: Path) -> None:
    world = World(small / "project", tmp_path / "state")
    prepare, act = ACTIONS[name]
    prepare(world)
    assert sweep(world, small, act)
    assert git("status", "--porcelain", cwd=world.repository) == ""
    world.close()


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "changes"])
def test_a_state_folder_that_is_read_only(
    name: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", "checkout")  # a mount would keep it writable
    world = World(tmp_path / "project", small / "state")
    prepare, act = ACTIONS[name]
    prepare(world)
    before = world.state()
    world.reopen()
    world.ctx.store.close()
    remount(small, "ro")
    with pytest.raises(FailedError) as caught:
        act(world)
    explained(caught.value)
    world.reopen()
    remount(small, "rw")
    assert world.state() == before
    act(world)
    world.check()
    world.close()


@pytest.mark.real
@pytest.mark.parametrize("name", ["merge", "remove", "create", "checkpoint"])
def test_a_read_only_repository_of_the_user(name: str, small: Path, tmp_path: Path) -> None:
    world = World(small / "project", tmp_path / "state")
    prepare, act = ACTIONS[name]
    prepare(world)
    before = world.users()
    remount(small, "ro")
    reads_only = name in ("create", "checkpoint")
    if reads_only:
        act(world)
    else:
        with pytest.raises(FailedError) as caught:
            act(world)
        explained(caught.value)
        assert find(world.ctx, "agent").state == "active"
    after = world.users()
    remount(small, "rw")
    assert after == before
    world.check()
    if not reads_only:
        act(world)
    world.close()


@pytest.mark.parametrize("what", ["state", "vault", "database", "repository"])
@pytest.mark.parametrize("name", ["create", "checkpoint", "merge", "restore", "remove"])
def test_permissions_are_missing(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", "checkout")
    world = World(tmp_path / "project", tmp_path / "state")
    prepare, act = ACTIONS[name]
    prepare(world)
    before = world.users()
    world.reopen()
    world.ctx.store.close()
    place = {
        "state": world.home,
        "vault": next((world.home / "projects").glob("*/vault.git")),
        "database": world.home / "carrel.db",
        "repository": world.repository,
    }[what]
    with locked(place):
        told = as_mere_mortal(lambda: act(world))
    world.reopen()
    if what == "repository" and name in {"create", "checkpoint", "restore"}:
        assert told is None, told  # they only read it
    else:
        assert told is not None
        assert told[0] in {"FailedError", "RefusedError", "LimitError"}, told
        assert "Errno" not in told[1]
        assert world.users() == before
        world.check()
        act(world)
    world.check()
    world.close()


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Take the right to write away from everything at and below a place."""
    paths = [place, *place.rglob("*")] if place.is_dir() else [place]
    modes = {path: path.lstat().st_mode for path in paths if not path.is_symlink()}
    try:
        for path, mode in modes.items():
            path.chmod(mode & 0o555)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def as_mere_mortal(action: Callable[[], object]) -> tuple[str, str] | None:
    """Do something in a process to which permissions apply; return its error's class and text."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        told = None
        try:
            _give_up_rights()
            action()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            told = (type(error).__name__, f"{getattr(error, 'code', '')}: {error}")
        os.write(there, json.dumps(told).encode())
        os._exit(0)
    os.close(there)
    with open(here, "rb") as file:
        words = json.loads(file.read())
    os.waitpid(child, 0)
    return None if words is None else (words[0], words[1])


def _give_up_rights() -> None:
    """Let even root obey permissions: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    for number in (1, 2, 3):
        assert libc.prctl(24, number, 0, 0, 0) == 0  # PR_CAPBSET_DROP, for programs we start
        for word in (0, 1, 2):
            data[word] &= ~(1 << number)
    assert libc.capset(header, data) == 0
