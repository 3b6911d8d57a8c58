"""The Python of the how-to pages runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/integrate-from-python.md"
README = ROOT / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home, and a small registered repository that is the current folder's."""
    repository = tmp_path / "repository"
    git = ["git", "-c", "user.name=You", "-c", "user.email=you@example.org"]
    for arguments in (
        ["init", "--quiet", "--initial-branch=main", str(repository)],
        ["-C", str(repository), "commit", "--quiet", "--allow-empty", "--message=Start"],
    ):
        subprocess.run([*git, *arguments], check=True)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "REPO_URL": str(repository),
        "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
        "CARREL_WORKSPACE_DRIVER": "checkout",
    }
    carrel = [sys.executable, "-m", "carrel", "init", str(repository)]
    subprocess.run(carrel, env=variables, check=True, capture_output=True)
    return variables


@pytest.mark.slow
@pytest.mark.parametrize("page", [PAGE, README], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, environment: dict[str, str]) -> None:
    blocks = BLOCK.findall(page.read_text())
    assert blocks
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        env=environment,
        cwd=environment["REPO_URL"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
