"""Foreseeing conflicts between fifty open workspaces."""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.bench import Bench, timed
from harness.figures import Row, duration, spread
from harness.peer import objects

from carrel.control import checkpoints, prediction

if TYPE_CHECKING:
    from carrel.domain.workspaces import Workspace

_GOAL_MS = 1000


def rows(bench: Bench) -> Iterator[Row]:
    """Let fifty agents change ten files each, two of them from a pool of twenty."""
    count = 10 if bench.quick else 50
    dice = random.Random(7)
    agents: list[Workspace] = []
    for n in range(count):
        workspace = bench.create()
        own = [100 + (n * 8 + k) % (bench.repository.files - 100) for k in range(8)]
        bench.edit(workspace, [*own, *dice.sample(range(20), 2)])
        agents.append(workspace)
    first = timed(lambda: prediction.predict(bench.ctx, agents))
    for workspace in agents:
        checkpoints.checkpoint(bench.ctx, workspace)
    stores = [f"{bench.project.home}/base.git", f"{bench.project.home}/vault.git"]
    stores.append(bench.repository.path)
    before = [objects(store) for store in stores]
    took: list[float] = []
    pairs = 0
    for _ in range(3):
        took.append(timed(lambda: prediction.predict(bench.ctx, agents)))
        pairs = len(prediction.predict(bench.ctx, agents).pairs)
    left = sum(objects(store) for store in stores) - sum(before)
    bench.discard(agents)
    found = spread(took)
    missed = [f"{duration(found.middle - _GOAL_MS)} over"] if found.middle > _GOAL_MS else []
    missed += [f"{left} objects left"] if left else []
    yield Row(
        operation=f"prediction, {count} workspaces of 10 files",
        goal="≤ 1 s, 0 left",
        measured=f"{duration(found.middle)}, {left} left",
        times=f"{duration(found.low)}–{duration(found.high)}",
        reached=not missed,
        gap=", ".join(missed),
        notes=(
            f"{pairs} of {count * (count - 1) // 2} pairs clash.",
            f"With all work still uncommitted, {count} checkpoints included: {duration(first)}.",
        ),
        samples={"ours_ms": took, "objects_left": [float(left)]},
    )
