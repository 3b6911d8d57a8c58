"""Whole processes of the command line, against `python -c pass`."""

import functools
import sys
from collections.abc import Iterator

from harness.bench import Bench, environment, timed
from harness.figures import Row, within
from harness.peer import run

from carrel.control import finding


def rows(bench: Bench) -> Iterator[Row]:
    """Alternate all four; ten workspaces are open."""
    opened = [bench.create() for _ in range(10)]
    env = environment()
    times: dict[str, list[float]] = {"pass": [], "help": [], "ls": [], "new": []}
    for _ in range(5 if bench.quick else 15):
        name = bench.fresh_name()
        commands = {
            "pass": [sys.executable, "-c", "pass"],
            "help": [bench.carrel, "--help"],
            "ls": [bench.carrel, "ls"],
            "new": [bench.carrel, "new", name, "--project", "bench", "--driver", bench.driver],
        }
        for what, command in commands.items():
            times[what].append(timed(functools.partial(run, command, env=env)))
        bench.discard([finding.find(bench.ctx, name)])
    bench.discard(opened)
    yield within("`carrel --help`, whole process", base=times["pass"], ours=times["help"], goal=10)
    yield within(
        "`carrel ls`, 10 workspaces, whole process", base=times["pass"], ours=times["ls"], goal=30
    )
    yield within(
        "`carrel new`, whole process",
        base=times["pass"],
        ours=times["new"],
        goal=35,
        notes=["These three: against `python -c pass` of the same interpreter, not git."],
    )
