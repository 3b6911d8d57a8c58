"""The shell in a workspace, and what completes there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from carrel.cli.commands.shell import with_hint


def test_bash_shows_the_name_and_reads_the_persons_own_file(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("PS1='own> '\nMINE=yes\n")
    command = with_hint("/bin/bash", "ann", str(tmp_path), str(tmp_path))
    done = subprocess.run(
        [*command, "-c", 'echo "$PS1|$MINE"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(ann) own> |yes\n"


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_shows_the_name(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".zshrc").write_text("PROMPT='own> '\n")
    command = with_hint(str(shutil.which("zsh")), "ann", str(tmp_path), str(tmp_path / "home"))
    done = subprocess.run(
        [*command, "-c", 'echo "$PROMPT"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(ann) own> \n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_shows_the_name() -> None:
    command = with_hint(str(shutil.which("fish")), "ann", "/nowhere", "/nowhere")
    done = subprocess.run(
        [*command, "-c", "fish_prompt"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("(ann) ")


def test_another_shell_starts_as_it_is() -> None:
    assert with_hint("/bin/dash", "ann", "/f", "/h") == ["/bin/dash"]
