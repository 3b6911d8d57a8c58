import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from carrel.errors import FailedError
from carrel.system import locks

HOLD = (
    "import sys; from carrel.system import locks; locks.acquire(sys.argv[1]); "
    "print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture(params=["file", "folder"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        (tmp_path / "lock").mkdir()
    return str(tmp_path / "lock")


def other(path: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    return process


def test_one_at_a_time_and_free_again(path: str) -> None:
    with locks.held(path):
        assert locks.try_acquire(path) is None
        with pytest.raises(FailedError) as caught, locks.held(path, timeout=0):
            pass
        assert caught.value.code == "lock_busy"
        assert str(os.getpid()) in caught.value.why
    with locks.held(path, timeout=0):
        pass


def test_readers_share_and_exclude_writers(path: str) -> None:
    with locks.held(path, shared=True), locks.held(path, shared=True, timeout=0):
        assert locks.try_acquire(path) is None


def test_another_process_is_named_and_its_death_frees_the_lock(path: str) -> None:
    process = other(path)
    with pytest.raises(FailedError) as caught, locks.held(path, timeout=0.01):
        pass
    assert f"Process {process.pid} holds it." in caught.value.why
    assert locks.holders(path) == [process.pid]
    process.kill()
    process.communicate()
    with locks.held(path, timeout=5):
        assert locks.holders(path) == [os.getpid()]


def test_waiting_ends_when_the_lock_gets_free(path: str) -> None:
    handle = locks.acquire(path)
    threading.Timer(0.05, locks.release, (handle,)).start()
    with locks.held(path, timeout=5):
        pass


def test_threads_exclude_each_other(path: str) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with locks.held(path):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


FORK = """
import os, sys
from carrel.system import locks
handle = locks.acquire(sys.argv[1])
reading, writing = os.pipe()
if os.fork() == 0:
    os.close(writing)
    os.read(reading, 1)          # lives on after its parent
    locks.release(handle)        # and holds nothing to give back
    os._exit(0)
print('forked', flush=True)
sys.stdin.read()
"""


def test_a_forked_child_keeps_nothing(path: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FORK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"forked\n"
    assert locks.try_acquire(path) is None
    process.kill()
    process.communicate()
    with locks.held(path, timeout=5):
        pass


def test_a_started_program_inherits_nothing_unless_told(path: str) -> None:
    with locks.held(path), subprocess.Popen(["sleep", "5"]) as sleeping:
        locks_while_open = locks.try_acquire(path)
        sleeping.kill()
    assert locks_while_open is None
    with locks.held(path, timeout=0):
        pass


def test_an_entrusted_lock_lives_as_long_as_its_heir(path: str) -> None:
    handle = locks.acquire(path)
    heir = subprocess.Popen(["sleep", "30"], pass_fds=[handle])
    locks.entrust(handle)
    assert locks.try_acquire(path) is None
    heir.kill()
    heir.wait()
    with locks.held(path, timeout=0):
        pass


def test_a_lock_file_that_was_replaced_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locks.held(str(path)):
        path.unlink()
        with locks.held(str(path), timeout=0):  # a new file, a new lock
            assert path.exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        locks.acquire(str(tmp_path / "lock"))
    assert not (tmp_path / "elsewhere").exists()
