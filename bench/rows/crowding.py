"""Many workspaces at once: created together, and the thousandth of them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.bench import Bench, answered, environment
from harness.figures import Row, duration, ratios, spread

from carrel.control import workspaces

if TYPE_CHECKING:
    from carrel.domain.workspaces import Workspace

_SCRIPT = "harness/crowd.py"
_PROCESSES = 8


def rows(bench: Bench) -> Iterator[Row]:
    """Create two hundred from eight processes; then a thousand, one after the other."""
    yield _crowd(bench)
    yield _thousandth(bench)


def _crowd(bench: Bench) -> Row:
    total = 40 if bench.quick else 200
    alone: list[float] = []
    crowd: list[float] = []
    failures: list[str] = []
    for number in range(3):
        alone.append(_together(bench, 1, 50, f"alone{number}", failures))
        crowd.append(_together(bench, _PROCESSES, total, f"crowd{number}", failures))
    found = ratios(crowd, alone)
    missed = [f"{len(failures)} failed: {failures[0]}"] if failures else []
    missed += [f"{found.middle / 2:.2g}× over"] if found.middle > 2 else []
    return Row(
        operation=f"{total} creations from {_PROCESSES} processes at once, a piece",
        goal="≤ 2×, 0 failed",
        measured=f"{found.middle:.2f}× ({found.low:.2f}–{found.high:.2f})",
        times=f"{duration(spread(crowd).middle)} / {duration(spread(alone).middle)}",
        reached=not missed,
        gap=", ".join(missed),
        notes=(
            f"{len(failures)} of {3 * total} failed.",
            "Against one process creating 50: from first start to last end, by the number.",
        ),
        samples={"ours_ms": crowd, "base_ms": alone},
    )


def _together(bench: Bench, processes: int, total: int, prefix: str, failures: list[str]) -> float:
    """Return the milliseconds a piece."""
    env = environment()
    script = [sys.executable, f"{sys.path[0]}/{_SCRIPT}", str(total // processes)]
    crew = [
        subprocess.Popen(
            [*script, f"{prefix}-{n}", bench.driver],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )
        for n in range(processes)
    ]
    for one in crew:
        assert one.stdout is not None
        if one.stdout.readline() != "ready\n":
            raise RuntimeError("a process that was to create workspaces ended")
    for one in crew:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate()[0]) for one in crew]
    for answer in told:
        failures += answer["failures"]
    bench.discard(workspaces.listing(bench.ctx))
    began = min(float(answer["began"]) for answer in told)
    ended = max(float(answer["ended"]) for answer in told)
    return (ended - began) * 1000 / total


def _thousandth(bench: Bench) -> Row:
    last = 200 if bench.quick else 1000
    window = 15
    made: list[Workspace] = []
    took: list[float] = []
    while len(took) < last + window // 2:
        milliseconds, workspace = answered(bench.creator(), settle=len(took) % 50 == 0)
        took.append(milliseconds)
        made.append(workspace)
    early = took[10 - window // 2 - 1 : 10 + window // 2]
    late = took[last - window // 2 - 1 : last + window // 2]
    found = spread(late).middle / spread(early).middle
    return Row(
        operation=f"the {last:,}th workspace against the 10th",
        goal="≤ 1.3×",
        measured=f"{found:.2f}×",
        times=f"{duration(spread(late).middle)} / {duration(spread(early).middle)}",
        reached=found <= 1.3,
        gap="" if found <= 1.3 else f"{found / 1.3:.2g}× over",
        notes=(f"Medians of {window} around each; all workspaces stay open.",),
        samples={"ours_ms": late, "base_ms": early},
    )
