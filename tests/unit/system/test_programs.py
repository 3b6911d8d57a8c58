"""How another program would start this Carrel."""

import sys
from pathlib import Path

import pytest

from carrel.system import programs


def runnable(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_one_that_runs_now_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = runnable(tmp_path / "bin" / "carrel")
    monkeypatch.setattr(sys, "argv", [str(mine), "schedule"])
    assert programs.carrel() == (str(mine),)


def test_else_the_one_beside_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "pytest")])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    beside = runnable(tmp_path / "bin" / "carrel")
    assert programs.carrel() == (str(beside),)


def test_else_the_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [""])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = runnable(tmp_path / "elsewhere" / "carrel")
    monkeypatch.setenv("PATH", str(found.parent))
    assert programs.carrel() == (str(found),)


def test_a_folder_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("carrel", "bin/carrel"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "carrel")
    monkeypatch.setattr(sys, "argv", [""])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.carrel() == (str(tmp_path / "bin" / "python"), "-m", "carrel")


def test_else_it_is_a_module_of_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [""])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.carrel() == (str(tmp_path / "python"), "-m", "carrel")
