"""Commands work wherever they are given: below the clone, and in a folder that is gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = tmp_path / "clone"
    (made / "below").mkdir(parents=True)
    (made / "file").write_text("1\n")
    (made / "below" / "other").write_text("1\n")
    git = ["git", "-C", str(made), "-c", "user.name=You", "-c", "user.email=you@example.org"]
    subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=Start"], check=True)
    return made


def run(home: Path, folder: Path, script: str) -> str:
    done = subprocess.run(
        ["sh", "-ec", script.replace("carrel ", f"{sys.executable} -m carrel ")],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
            "CARREL_WORKSPACE_DRIVER": "checkout",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_merge_from_below_the_clone_brings_its_files_up_to_date(
    tmp_path: Path, clone: Path
) -> None:
    run(tmp_path, clone / "below", "carrel init .; carrel new a")
    run(tmp_path, clone / "below", 'echo 2 > "$(carrel path a)/file"; carrel merge a')
    assert (clone / "file").read_text() == "2\n"


def test_a_folder_that_is_gone_is_no_obstacle(tmp_path: Path, clone: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    run(tmp_path, clone, "carrel init .")
    script = f"rmdir {gone}; carrel new a; carrel ls; carrel conflicts; carrel merge a; carrel rm a"
    assert "No conflicts" in run(tmp_path, gone, script)
