"""Commands of fleets load what they use, and no more: most of a short command's time is loading."""

import subprocess
import sys

from tests.unit.cli.fleets.rehearsal import Rehearsal

RARELY = {
    "alembic",
    "apprise",
    "asyncio",
    "cel_expr_python",
    "logging.handlers",
    "pydantic",
    "pyrate_limiter",
    "rich",
    "sqlalchemy",
    "stamina",
    "structlog",
    "tomlkit",
    "yaml",
}


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a command loads in a process of its own."""
    program = (
        "import sys; sys.argv = ['carrel', *sys.argv[1:]]\n"
        "from carrel.__main__ import main\n"
        "assert main() == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_explaining_loads_no_library_that_it_does_not_use(deployment: Rehearsal) -> None:
    loaded = loaded_by("policy", "explain", min(deployment.on()), "--json")
    assert "httpx2" in loaded
    assert loaded & RARELY == set()
    assert not {"carrel.cli.fleets.foreseen", "carrel.control.fleet.governing"} & loaded


def test_what_asks_nobody_loads_nothing_to_ask_with(deployment: Rehearsal) -> None:
    for words in (["policy", "ls"], ["plan", "ls"]):
        assert not {"httpx2", "http.client", "ssl"} & loaded_by(*words, "--json")
