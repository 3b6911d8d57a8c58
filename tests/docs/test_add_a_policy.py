"""The policy of the how-to page works: alone, and installed from a package of one's own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/how-to/add-a-policy.md").read_text()
POLICY, TRIAL = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
POINT, SETTINGS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def carrel(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "carrel", *arguments, "--json"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CARREL_HOME": str(home),
            "PYTHONPATH": str(home / "site"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose carrel.toml puts the policy of an installed package into force."""
    site = tmp_path / "site"
    package, facts = site / "my_package", site / "my_package-1.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (package / "__init__.py").touch()
    (package / "unhealthy.py").write_text(POLICY)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    found = re.search(r'^\[project\.entry-points\."(.+)"\]\n(\w+) = "(.+)"', POINT, re.MULTILINE)
    assert found
    (facts / "entry_points.txt").write_text(f"[{found[1]}]\n{found[2]} = {found[3]}\n")
    (tmp_path / "carrel.toml").write_text(SETTINGS)
    return tmp_path


def test_the_policy_and_its_trial_run(tmp_path: Path) -> None:
    program = tmp_path / "trial.py"
    program.write_text(POLICY + TRIAL)
    subprocess.run([sys.executable, "-W", "error", str(program)], check=True)


def test_the_trial_fails_for_a_policy_that_does_nothing(tmp_path: Path) -> None:
    program = tmp_path / "trial.py"
    program.write_text(POLICY.replace("Wish.STOP", "Wish.NOTHING") + TRIAL)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, check=False)
    assert b"AssertionError" in done.stderr


@pytest.mark.slow
def test_it_is_found_and_in_force(home: Path) -> None:
    listed = json.loads(carrel(home, "policy", "ls").stdout)["policies"]
    (mine,) = [one for one in listed if one["name"] == "unhealthy"]
    assert mine["state"] == "on"
    assert mine["summary"] == "Stops what runs but does not work, when nobody is in it."


@pytest.mark.slow
def test_its_settings_are_checked(home: Path) -> None:
    (home / "carrel.toml").write_text("[policy.unhealthy]\npatience_minutes = 1\n")
    found = json.loads(carrel(home, "policy", "check", "--offline").stdout)["findings"]
    assert "unhealthy" in {one["policy"] for one in found}
    (home / "carrel.toml").write_text("[policy.unhealthy]\npatience = 1\n")
    error = json.loads(carrel(home, "policy", "check", "--offline").stderr)["error"]
    assert error["code"] == "bad_policy"
    assert "patience_minutes" in error["cure"]
