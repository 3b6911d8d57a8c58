"""Measures workspaces against git, and prints a table: `make bench`, `make bench ARGS=--quick`.

A figure is a ratio of two things measured one after the other in the same run. The exit code
is 0 whatever comes out; docs/explanation/performance.md tells what is measured, and how.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator

from harness import printing, repository
from harness.bench import Bench, hide_mounts, sweep
from harness.figures import Row
from harness.peer import run
from rows import checkpointing, creating, crowding, merging, predicting, processes

SUITES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "create": creating.rows,
    "process": processes.rows,
    "checkpoint": checkpointing.rows,
    "merge": merging.rows,
    "predict": predicting.rows,
    "crowd": crowding.rows,
}


def main() -> None:
    """Measure."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hide_mounts()
    folder = tempfile.mkdtemp(prefix="carrel-bench-", dir=options.where)
    began = time.monotonic()
    try:
        facts, rows = _measure(options, os.path.realpath(folder))
    finally:
        sweep(os.path.realpath(folder))
    print(f"\n{printing.summary(rows)} in {time.monotonic() - began:.0f} s.")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(printing.as_json(facts, rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure workspaces against git.")
    parser.add_argument("--quick", action="store_true", help="5,000 files and few rounds")
    parser.add_argument("--files", type=int, help="files in the repository (50,000)")
    parser.add_argument("--where", help="folder for everything that is made (the temporary one)")
    parser.add_argument("--keep", help="folder that keeps the generated repository for next time")
    parser.add_argument("--json", help="also write all figures to this file")
    parser.add_argument("--only", choices=SUITES, action="append", help="measure only this")
    options = parser.parse_args()
    options.files = options.files or (5_000 if options.quick else 50_000)
    if options.files < repository.LEAST_FILES:
        parser.error(f"--files must be {repository.LEAST_FILES} or more")
    return options


def _measure(options: argparse.Namespace, folder: str) -> tuple[dict[str, object], list[Row]]:
    _say(f"Generating {options.files:,} files ...")
    source = repository.provide(f"{folder}/repository.git", options.files, options.keep)
    _say("Registering the repository, probing drivers ...")
    bench = Bench(folder, source, quick=options.quick)
    rows: list[Row] = []
    try:
        facts = _facts(bench)
        print("\n".join(_heading(facts)), flush=True)
        print(f"\n{printing.header()}", flush=True)
        for name in options.only or SUITES:
            _say(f"Measuring: {name} ...")
            for row in _safely(name, SUITES[name], bench):
                rows.append(row)
                print(printing.row(row), flush=True)
    finally:
        bench.close()
    return facts, rows


def _safely(name: str, suite: Callable[[Bench], Iterator[Row]], bench: Bench) -> Iterator[Row]:
    """Pass a suite's rows on; one that breaks does not take the others with it."""
    try:
        yield from suite(bench)
    except Exception as error:  # noqa: BLE001 - the other suites are still worth having
        _say(traceback.format_exc())
        yield Row(operation=name, goal="", measured="broke", reached=False, gap=str(error))


def _facts(bench: Bench) -> dict[str, object]:
    return {
        "git": run(["git", "version"]).decode().split()[2],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "root": os.geteuid() == 0,
        "files": bench.repository.files,
        "driver": bench.driver,
        "ladder": [
            {"name": rung.name, "works": rung.probe.works, "why": rung.probe.why}
            for rung in bench.rungs
        ],
    }


def _heading(facts: dict[str, object]) -> Iterator[str]:
    who = "root" if facts["root"] else "an ordinary user"
    yield (
        f"{facts['files']:,} files of about 5 kB; git {facts['git']}, Python {facts['python']}, "
        f"Linux {facts['kernel']}, {facts['processors']} processors, as {who}"
    )
    yield "Drivers, fastest first:"
    ladder = facts["ladder"]
    assert isinstance(ladder, list)
    for rung in ladder:
        mark = "works" if rung["works"] else "does not"
        line = f"  {rung['name']:<13} {mark:<8}  {rung['why']}"
        yield line if len(line) <= printing.WIDTH else line[: printing.WIDTH - 1] + "…"


def _say(words: str) -> None:
    """Tell how far it is, beside the table."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
