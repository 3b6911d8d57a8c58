"""Letting go of a detached mount without waiting for the disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from carrel.system import pins, waiting


def handles(folder: Path) -> int:
    """Count how many of our descriptors are on a folder."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}") == str(folder)
        except OSError:
            continue
    return count


def test_a_descriptor_is_held_across_the_unmount_and_closed_later(tmp_path: Path) -> None:
    during: list[int] = []
    pins.unpinned_after(str(tmp_path), lambda: during.append(handles(tmp_path)))
    assert during == [1]
    assert handles(tmp_path) == 1
    assert waiting.until(lambda: handles(tmp_path) == 0, 10)


def test_it_is_let_go_at_once_on_demand(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for name in ("one", "two"):
        pins.unpinned_after(str(tmp_path / name), lambda: None)
    pins.let_go(str(tmp_path / "one"))
    assert (handles(tmp_path / "one"), handles(tmp_path / "two")) == (0, 1)
    pins.let_go()
    assert handles(tmp_path / "two") == 0


def test_a_failed_unmount_holds_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError(22, "Invalid argument")

    with pytest.raises(OSError, match="Invalid"):
        pins.unpinned_after(str(tmp_path), fail)
    assert handles(tmp_path) == 0


CODE = """
import os, sys
from carrel.system import pins
pins.unpinned_after(sys.argv[1], lambda: None)
if sys.argv[2] == "fork":
    child = os.fork()
    if child == 0:
        assert not [1 for n in os.listdir('/proc/self/fd')
                    if os.path.realpath(f'/proc/self/fd/{n}') == sys.argv[1]]
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_a_process_that_ends_hands_over_and_leaves_nobody_behind(tmp_path: Path, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE, str(tmp_path), how],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")

    def forgotten() -> bool:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                names = os.listdir(f"/proc/{pid}/fd")
                if any(os.readlink(f"/proc/{pid}/fd/{n}") == str(tmp_path) for n in names):
                    return False
            except OSError:
                continue
        return True

    assert waiting.until(forgotten, 10)
