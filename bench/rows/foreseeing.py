"""A month of a large fleet: how much room it takes, and how long a backtest of it."""

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import past
from harness.figures import Row, size
from harness.month import Month, month

_GOAL_S, _GOAL_BYTES = 60.0, 1e9


def rows(*, quick: bool) -> Iterator[Row]:
    """Record, then judge: every policy of the eight, one core."""
    days, many = (3, 2_000) if quick else (30, 10_000)
    made = month(many, many * 3 // 10, days)
    yield Row(
        operation=f"record {days} days of {many:,} workspaces",
        goal="< 1 GB",
        measured=size(made.size),
        times=f"{made.changes / len(made.records):.0f} changes a step",
        reached=made.size < _GOAL_BYTES,
        samples={"bytes": [float(made.size)]},
    )
    found = _judged(made)
    wall, cpu = found["wall"], found["cpu"]
    yield Row(
        operation=f"backtest of {days} days, 8 policies",
        goal=f"≤ {_GOAL_S:.0f} s",
        measured=f"{wall:.1f} s",
        times=f"{cpu:.1f} s of one core",
        reached=wall <= _GOAL_S,
        gap="" if wall <= _GOAL_S else f"{wall - _GOAL_S:.0f} s over",
        notes=(
            f"{found['steps']:,} observations; {found['stops']:,} stops would have been.",
            "In a process of its own, as a command is.",
        ),
        samples={"wall_s": [wall], "cpu_s": [cpu]},
    )


def _judged(made: Month) -> dict[str, float]:
    """Go through a month in a process that has made none."""
    here = Path(past.__file__)
    with tempfile.NamedTemporaryFile(suffix=".records") as file:
        file.write(pickle.dumps(made))
        file.flush()
        told = subprocess.run(
            [sys.executable, str(here), file.name],
            env={
                **os.environ,
                "PYTHONPATH": f"{here.parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            },
            stdout=subprocess.PIPE,
            check=True,
        )
    found: dict[str, float] = json.loads(told.stdout)
    return found
