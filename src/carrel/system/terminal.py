"""The terminal and the shell of the person who asks, as the environment tells of them."""

import os
import shutil
import sys
from typing import TextIO


def colours(stream: TextIO) -> bool:
    """Tell whether `stream` shows colours: a terminal, unless NO_COLOR or FORCE_COLOR says."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def columns() -> int:
    """Return the width of the terminal."""
    return shutil.get_terminal_size().columns


def shell() -> str:
    """Return the person's shell."""
    return os.environ.get("SHELL") or "/bin/sh"


def home() -> str:
    """Return the person's home folder."""
    return os.path.expanduser("~")


def completing() -> bool:
    """Tell whether a shell asks for completions instead of running a command."""
    return bool(os.environ.get("_CARREL_COMPLETE"))


def debugging() -> bool:
    """Tell whether CARREL_DEBUG asks for tracebacks."""
    return os.environ.get("CARREL_DEBUG", "") not in ("", "0")


def silence() -> None:
    """Let standard output lead nowhere, so that nothing complains of a closed pipe at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
