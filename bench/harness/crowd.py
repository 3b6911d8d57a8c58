"""One of several processes that create workspaces at the same moment.

Arguments: how many, the prefix of their names, the driver. It says "ready", waits for a line,
creates, and prints when it began and ended and what each creation took.
"""

import json
import sys
import time

from carrel import bootstrap
from carrel.control import workspaces
from carrel.errors import CarrelError


def _main(count: int, prefix: str, driver: str) -> None:
    ctx = bootstrap.open_context(actor="bench")
    create = workspaces.create
    # As in a process that has been running: one creation and its resident processes are past.
    create(ctx, workspaces.Request(f"{prefix}-first", project="bench", driver=driver))
    print("ready", flush=True)
    sys.stdin.readline()
    took: list[float] = []
    failures: list[str] = []
    began = time.monotonic()
    for number in range(count):
        start = time.perf_counter()
        try:
            create(ctx, workspaces.Request(f"{prefix}-{number}", project="bench", driver=driver))
        except CarrelError as error:
            failures.append(str(error))
        took.append((time.perf_counter() - start) * 1000)
    ended = time.monotonic()
    print(json.dumps({"began": began, "ended": ended, "took": took, "failures": failures}))
    sys.stdout.flush()
    ctx.close()


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
