"""A driver of another package is found by its entry point, as the page on extending says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/extend.md").read_text()
DRIVER = """
from carrel.backends.local.checkout import CheckoutDriver

class MyDriver(CheckoutDriver):
    name = "my_driver"

DRIVER = MyDriver()
"""


@pytest.mark.slow
def test_a_driver_of_another_package_is_found(tmp_path: Path) -> None:
    package = tmp_path / "site" / "my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "my_driver.py").write_text(DRIVER)
    facts = tmp_path / "site" / "my_package-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    found = re.search(r'^\[project\.entry-points\."(.+)"\]\n(\w+) = "(.+)"', PAGE, re.MULTILINE)
    assert found
    (facts / "entry_points.txt").write_text(f"[{found[1]}]\n{found[2]} = {found[3]}\n")

    def carrel(*arguments: str) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "carrel", *arguments, "--json"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONPATH": str(tmp_path / "site"),
                "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
            },
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        answer: dict[str, object] = json.loads(done.stdout or done.stderr)
        return answer

    git = ["git", "-c", "user.name=You", "-c", "user.email=you@example.org"]
    subprocess.run([*git, "init", "--quiet", "repository"], cwd=tmp_path, check=True)
    subprocess.run(
        [*git, "-C", "repository", "commit", "--quiet", "--allow-empty", "--message=Start"],
        cwd=tmp_path,
        check=True,
    )
    carrel("init", "repository")
    made = carrel("new", "agent-1", "--driver", "my-driver")
    assert made["driver"] == "my_driver"
    assert made["state"] == "active"
