"""Measures governing a fleet of 10,000 workspaces on a simulated deployment: `make bench`.

The exit code is 0 whatever comes out; docs/explanation/performance.md tells what is measured.
"""

import argparse
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator

from harness import printing
from harness.bench import sweep
from harness.deployment import Deployment
from harness.figures import Row
from rows import deciding, foreseeing, observing

SUITES: dict[str, Callable[[Deployment], Iterator[Row]]] = {
    "observe": observing.rows,
    "explain": observing.explaining,
    "decide": lambda deployment: deciding.rows(quick=deployment.quick),
    "backtest": lambda deployment: foreseeing.rows(quick=deployment.quick),
}
_SERVED = {"observe", "explain"}


def main() -> None:
    """Measure."""
    options = _options()
    folder = os.path.realpath(tempfile.mkdtemp(prefix="carrel-bench-", dir=options.where))
    wanted = [name for name in SUITES if not options.only or name in options.only]
    deployment = Deployment(folder, 1_000 if options.quick else 10_000, quick=options.quick)
    rows: list[Row] = []
    print(f"A fleet of {deployment.workspaces:,} workspaces; Python {platform.python_version()}, "
          f"{os.cpu_count()} processors")  # fmt: skip
    print(f"\n{printing.header()}", flush=True)
    try:
        if served := [name for name in wanted if name in _SERVED]:
            _say("Making a deployment ...")
            with deployment:
                _measure(served, deployment, rows)
        _measure([name for name in wanted if name not in _SERVED], deployment, rows)
    finally:
        sweep(folder)
    print(f"\n{printing.summary(rows)}.")
    if options.json:
        with open(f"{options.json}.fleets", "w", encoding="utf-8") as file:
            file.write(printing.as_json({"workspaces": deployment.workspaces}, rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure governing a fleet.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the fleet, few rounds")
    parser.add_argument("--where", help="folder for everything that is made (the temporary one)")
    parser.add_argument("--json", help="also write all figures to this file, with .fleets added")
    parser.add_argument("--only", action="append", help="measure only this")
    known, _ = parser.parse_known_args()  # the other files of `make bench` have more
    return known


def _measure(names: list[str], deployment: Deployment, rows: list[Row]) -> None:
    for name in names:
        _say(f"Measuring: {name} ...")
        for row in _safely(name, deployment):
            rows.append(row)
            print(printing.row(row), flush=True)


def _safely(name: str, deployment: Deployment) -> Iterator[Row]:
    """Pass a suite's rows on; one that breaks does not take the others with it."""
    try:
        yield from SUITES[name](deployment)
    except Exception as error:  # noqa: BLE001 - the other suites are still worth having
        _say(traceback.format_exc())
        yield Row(operation=name, goal="", measured="broke", reached=False, gap=str(error))


def _say(words: str) -> None:
    """Tell how far it is, beside the table."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
