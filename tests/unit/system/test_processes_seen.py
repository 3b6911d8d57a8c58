import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carrel.system import daemons, processes_seen, waiting

WAIT = "import sys; print('here', flush=True); sys.stdin.read()"


@contextmanager
def living(code: str = WAIT, cwd: Path | None = None, program: str = "") -> Iterator[int]:
    process = subprocess.Popen(
        [program or sys.executable, "-I", "-S", "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd,
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def how(folder: Path) -> dict[int, str]:
    return {seen.pid: seen.how for seen in processes_seen.sitting_in(str(folder))}


def test_who_works_in_a_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree-2").mkdir()
    with living(cwd=tmp_path / "tree/sub") as inside, living(cwd=tmp_path / "tree-2"):
        assert how(tmp_path / "tree") == {inside: "works in the tree"}
        (seen,) = processes_seen.sitting_in(str(tmp_path / "tree"))
        assert "python" in seen.command
    assert how(tmp_path / "tree") == {}


def test_also_when_the_folder_was_deleted(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with living(cwd=tmp_path / "tree") as inside:
        (tmp_path / "tree").rmdir()
        assert how(tmp_path / "tree") == {inside: "works in the tree"}


def test_open_and_mapped_files_are_seen(tmp_path: Path) -> None:
    (tmp_path / "odd\nname").mkdir()
    file = tmp_path / "odd\nname/file"
    file.write_bytes(b"x" * mmap.PAGESIZE)
    opened = f"import sys; f = open({str(file)!r}); print('here', flush=True); sys.stdin.read()"
    with living(opened) as inside:
        assert how(file.parent) == {inside: "has files of the tree open"}
    mapped = (
        f"import mmap, sys, os; f = open({str(file)!r}, 'r+b'); m = mmap.mmap(f.fileno(), 0); "
        "f.close(); os.closerange(3, 20); print('here', flush=True); sys.stdin.read()"
    )
    with living(mapped) as inside:
        assert how(file.parent) == {inside: "has files of the tree mapped"}


def test_a_program_that_runs_from_the_folder_is_seen(tmp_path: Path) -> None:
    program = tmp_path / "sleep"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    process = subprocess.Popen([program, "30"], cwd="/")
    try:
        assert waiting.until(lambda: how(tmp_path) == {process.pid: "runs from the tree"}, 5)
    finally:
        process.kill()
        process.wait()


def test_life_and_death_and_freezing() -> None:
    with living() as pid:
        assert processes_seen.alive(pid)
        started = processes_seen.started(pid)
        assert started.isdigit()
        assert not processes_seen.frozen(pid)
        os.kill(pid, signal.SIGSTOP)
        assert waiting.until(lambda: processes_seen.frozen(pid), 5)
        assert processes_seen.alive(pid)
        assert processes_seen.started(pid) == started
        os.kill(pid, signal.SIGKILL)
        assert waiting.until(lambda: not processes_seen.alive(pid), 5)  # a zombie by now
    assert processes_seen.started(pid) == ""
    assert processes_seen.command_of(pid) == ""
    assert processes_seen.arguments_of(pid) == []
    assert processes_seen.namespace(pid) == ""


def test_everybody_here_shares_one_namespace() -> None:
    with living():
        seen = processes_seen.seeing(lambda mount: mount.point == b"/proc")
        own = processes_seen.namespace("self")
        assert own.startswith("mnt:[")
        assert [one for one, _ in seen if processes_seen.namespace(one.pid) == own] == []


def test_users_of_a_file_system_are_found_by_its_number(tmp_path: Path) -> None:
    with living(cwd=tmp_path) as inside:
        found = {seen.pid for seen in processes_seen.holding_device(tmp_path.stat().st_dev)}
        assert inside in found
    assert processes_seen.holding_device(os.makedev(0, 0)) == []


def test_a_program_in_the_background_is_found_by_its_last_argument(tmp_path: Path) -> None:
    program, own = os.path.basename(sys.executable), f"{WAIT}  # {tmp_path}"  # nobody else's
    assert daemons.find(program, own) == 0
    with living(own) as pid:
        assert daemons.find(program, own) == pid
        assert daemons.find("other", own) == 0
        assert daemons.find(program, f"{own}!") == 0


def test_a_program_that_is_missing_or_fails_is_told() -> None:
    with pytest.raises(Exception, match="not installed"):
        daemons.start(["carrel-no-such-program"], inherit=())
    with pytest.raises(Exception, match="exit code 1"):
        daemons.start(["false"], inherit=())
    daemons.start(["true"], inherit=())
