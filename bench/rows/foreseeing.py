"""A month of a large fleet: how much room it takes, and how long a backtest of it."""

import time
from collections.abc import Iterator

from harness.figures import Row, size
from harness.month import documents, month
from rows.deciding import EIGHT, configured

from carrel.domain.fleet.replaying import Replay
from carrel.domain.governance.safety import Safety
from carrel.planning.backtesting import Terms, backtest
from carrel.system.collector import put_off

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

    def looks() -> Iterator[Replay]:
        replay = Replay()
        for document in documents(made):
            replay.take(document)
            yield replay

    terms = Terms(configured(EIGHT), Safety(), made.records[0].at, lambda _: 0.5)
    wall, cpu = time.perf_counter(), time.process_time()
    with put_off():  # as wherever a past is gone through
        found = backtest(looks(), terms)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    yield Row(
        operation=f"backtest of {days} days, 8 policies",
        goal=f"≤ {_GOAL_S:.0f} s",
        measured=f"{wall:.1f} s",
        times=f"{cpu:.1f} s of one core",
        reached=wall <= _GOAL_S,
        gap="" if wall <= _GOAL_S else f"{wall - _GOAL_S:.0f} s over",
        notes=(f"{found.steps:,} observations; {len(found.halts):,} stops would have been.",),
        samples={"wall_s": [wall], "cpu_s": [cpu]},
    )
