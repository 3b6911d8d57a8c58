import os
import subprocess
import sys
from pathlib import Path

import pytest

from carrel.errors import FailedError
from carrel.system import disk, erase, waiting


def fill(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/f").write_text("f")
    (folder / "a/b/g").write_text("g")


def test_everything_goes_and_nothing_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    fill(outside)
    inside = tmp_path / "inside"
    fill(inside)
    (inside / "file").symlink_to(outside / "a/f")
    (inside / "folder").symlink_to(outside)
    (inside / "dangling").symlink_to("nowhere")
    os.link(outside / "a/f", inside / "hard")
    os.mkfifo(inside / "pipe")
    (inside / "odd\n\udcff").write_text("x")
    disk.delete_tree(str(inside))
    assert not inside.exists()
    assert (outside / "a/f").read_text() == "f"
    assert (outside / "a/b/g").read_text() == "g"


def test_a_link_itself_is_deleted_not_its_aim(tmp_path: Path) -> None:
    fill(tmp_path / "aim")
    (tmp_path / "link").symlink_to("aim")
    disk.delete_tree(str(tmp_path / "link"))
    assert not os.path.lexists(tmp_path / "link")
    assert (tmp_path / "aim/a/f").exists()


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    disk.delete_tree(str(tmp_path / "nothing"))
    disk.delete_tree(str(tmp_path / "no/parent"))
    assert disk.used_bytes(str(tmp_path / "nothing")) == 0
    assert not disk.rename_aside(str(tmp_path / "nothing"), str(tmp_path / "aside/x"))


def test_folders_deeper_than_descriptors_and_stack(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):  # more than Python's stack and the usual descriptors
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    disk.delete_tree(str(tmp_path / "deep"))
    assert list(tmp_path.iterdir()) == []


CLOSED = """
import os, sys
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
top = sys.argv[1]
os.makedirs(f"{top}/closed/sub")
open(f"{top}/closed/sub/f", "w").close()
for folder, mode in (("closed/sub", 0o500), ("closed", 0)):
    os.chmod(f"{top}/{folder}", mode)
sys.path.insert(0, sys.argv[2])
import erase
erase.erase(f"{top}/closed")
assert os.listdir(top) == []
"""


def test_closed_folders_are_opened_up(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir(mode=0o777)
    room.chmod(0o777)
    for folder in tmp_path.parents[:-2]:
        if os.geteuid() == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o005)
    tmp_path.chmod(0o755)
    module = tmp_path / "erase.py"
    module.write_text(Path(erase.__file__).read_text())
    python = "/usr/bin/python3" if os.geteuid() == 0 else sys.executable
    if not os.path.exists(python):
        pytest.skip("needs /usr/bin/python3, which everybody may run")
    done = subprocess.run(
        [python, "-c", CLOSED, room, tmp_path], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.real
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_mount_inside_is_never_entered(tmp_path: Path, kind: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    fill(tmp_path / "other")
    fill(tmp_path / "tree")
    point = tmp_path / "tree/a/b"
    how = ["-t", "tmpfs", "none"] if kind == "tmpfs" else ["--bind", str(tmp_path / "other")]
    subprocess.run(["mount", *how, point], check=True)
    try:
        (point / "precious").write_text("x")
        for path in (tmp_path / "tree", point):
            with pytest.raises(FailedError) as caught:
                disk.delete_tree(str(path))
            assert caught.value.code == "delete_failed"
            assert str(point) in caught.value.why
        assert (point / "precious").exists()
        assert (tmp_path / "tree/a/f").exists()
    finally:
        subprocess.run(["umount", "--lazy", point], check=True)
    disk.delete_tree(str(tmp_path / "tree"))
    assert (tmp_path / "other/a/f").exists()


def test_a_problem_is_named_and_the_rest_is_deleted(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to make a file immutable")
    fill(tmp_path / "tree")
    kept = tmp_path / "tree/a/f"
    if subprocess.run(["chattr", "+i", kept], check=False, capture_output=True).returncode:
        pytest.skip("no immutable files there: give another place by --basetemp")
    try:
        with pytest.raises(FailedError):
            disk.delete_tree(str(tmp_path / "tree"))
        assert not (tmp_path / "tree/a/b").exists()
        assert kept.exists()
    finally:
        subprocess.run(["chattr", "-i", kept], check=True)


def test_deleting_in_the_background_outlives_the_caller(tmp_path: Path) -> None:
    fill(tmp_path / "tree")
    code = "import sys; from carrel.system import disk; disk.delete_in_background(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "tree")], check=True)
    assert waiting.until(lambda: not (tmp_path / "tree").exists(), 10)


def test_space_is_counted_in_blocks_once_and_without_links(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    empty = disk.used_bytes(str(tree))
    (tree / "link").symlink_to(tmp_path / "big")
    (tree / "one").write_bytes(b"x" * 100_000)
    os.link(tree / "one", tree / "two")
    os.truncate(tree / "one", 50_000_000)  # sparse
    used = disk.used_bytes(str(tree)) - empty
    assert 100_000 <= used < 120_000
    ours = int(subprocess.check_output(["du", "--block-size=1", "-s", tree]).split()[0])
    assert disk.used_bytes(str(tree)) == ours
    assert disk.free_bytes(str(tmp_path)) > 0


def test_renaming_aside_says_why_not(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    assert disk.rename_aside(str(tmp_path / "one"), str(tmp_path / "trash/one"))
    fill(tmp_path / "one")
    with pytest.raises(FailedError) as caught:
        disk.rename_aside(str(tmp_path / "one"), str(tmp_path / "trash/one"))
    assert caught.value.code == "rename_failed"
    assert (tmp_path / "one/a/f").exists()
