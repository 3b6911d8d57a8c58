"""A process that goes through a recorded past and prints what that took, as JSON.

It holds nothing but the records, as a command that was started for it.
"""

import json
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.month import documents
from rows.deciding import EIGHT, configured

from carrel.domain.fleet.replaying import Replay
from carrel.domain.governance.safety import Safety
from carrel.planning.backtesting import Terms, backtest
from carrel.system.collector import put_off


def _looks(records: Path) -> Iterator[Replay]:
    replay = Replay()
    for document in documents(pickle.loads(records.read_bytes())):
        replay.take(document)
        yield replay


def _go(records: Path) -> dict[str, float]:
    first = next(_looks(records)).frame.at
    terms = Terms(configured(EIGHT), Safety(), first, lambda _: 0.5)
    wall, cpu = time.perf_counter(), time.process_time()
    with put_off():  # as wherever a past is gone through
        found = backtest(_looks(records), terms)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "steps": found.steps,
        "stops": len(found.halts),
    }


if __name__ == "__main__":
    print(json.dumps(_go(Path(sys.argv[1]))))
