"""The tutorial's commands run, and say what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "tutorial" / "first-steps.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def steps() -> list[tuple[str, list[str]]]:
    """Return each command with the lines that the page shows of its answer."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(BLOCK.findall(PAGE.read_text(encoding="utf-8"))).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line.strip())
    return found


@pytest.mark.timeout(120)
def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "carrel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m carrel "$@"\n')
    program.chmod(0o755)
    mark = "=== a command ends ==="
    script = "\n".join(f"{{ {command}\n}} && echo '{mark}' || exit" for command, _ in steps())
    env = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CARREL_WORKSPACE_DISK_THRESHOLD_GB": "0",
        "CARREL_WORKSPACE_DRIVER": "checkout",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    answers = done.stdout.split(f"{mark}\n")
    assert done.returncode == 0, (steps()[len(answers) - 1], done.stderr)
    for (command, shown), answer in zip(steps(), answers, strict=False):
        missing = [line for line in shown if line not in answer]
        assert not missing, (command, answer)
