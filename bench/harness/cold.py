"""A cold process: does one thing to a workspace, and prints what it took.

The clock starts when the modules are imported, and stops when the work is durable: opening the
settings, the database, the stores and every git process that is needed is inside. Starting
Python and importing is outside; the whole-process figures have that too.
"""

import importlib
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
    # Loaded when first needed by what is imported above: still imports.
    for name in ("settings.loading", "stores.sqlite", f"backends.local.{sys.argv[1]}"):
        importlib.import_module(f"carrel.{name}")
    importlib.import_module("tomllib")
    began = time.perf_counter()
    _act(sys.argv[2:])
    print((time.perf_counter() - began) * 1000)
