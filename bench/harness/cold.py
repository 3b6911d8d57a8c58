"""A cold process: does one thing to a workspace, and prints what it took.

The clock starts when the modules are imported, and stops when the work is durable: opening the
settings, the database, the stores and every git process that is needed is inside. Starting
Python and importing is outside; the whole-process figures have that too.
"""

import sys
import time

from carrel import bootstrap
from carrel.control import checkpoints, finding, merging


def _act(words: list[str]) -> None:
    ctx = bootstrap.open_context(actor="bench")
    workspace = finding.find_active(ctx, words[1])
    if words[0] == "checkpoint":
        checkpoints.checkpoint(ctx, workspace)
    else:
        merging.merge(ctx, workspace, merging.MergeRequest(into=words[2]))


if __name__ == "__main__":
    # Bound lazily by these on their first use; imported here, as `carrel` does once a process.
    import carrel.settings.loading
    import carrel.stores.sqlite  # noqa: F401

    began = time.perf_counter()
    _act(sys.argv[1:])
    print((time.perf_counter() - began) * 1000)
