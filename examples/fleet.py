"""Govern a fleet from Python: a night on a simulated deployment, so nothing real is touched.

Run it with `python examples/fleet.py`. It starts `carrel simulate coder` at half past seven in
the evening, with time running 120 times as fast, and looks at it with each of the agents. To use
them on a deployment of your own, take the part between the two lines, and set CODER_URL and
CODER_TOKEN.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carrel import (
    AutoStopAgent,
    CarrelError,
    EnterpriseQuietHours,
    PruneFilters,
    PruneWorkspacesAgent,
    QuietHoursAgent,
    TTLMonitorAgent,
    WorkspaceController,
)

SETTINGS = """
[policy.quiet_hours]
start = "18:00"
end = "08:00"
grace_minutes = 60
excluded_users = ["admin"]

[safety]
max_stops_per_minute = 10
"""


# --- what you would write ------------------------------------------------------------------------


def look() -> None:
    """See what runs, and for how long it still will."""
    with WorkspaceController() as controller:
        deployment = controller.validate_connection()
        print(f"Coder {deployment.version}, as {deployment.user}")
        running = controller.get_running_workspaces()
        print(f"{len(running)} of {len(controller.get_workspaces())} workspaces run")

    with TTLMonitorAgent() as ttl_agent:
        report = ttl_agent.get_ttl_compliance_report()
        print(f"{len(report.should_have_stopped)} should have stopped by their time to live")
        print(f"{len(report.will_stop_soon)} will stop soon; {report.compliance_percent} % comply")

    with AutoStopAgent() as autostop_agent:
        for stop in autostop_agent.get_stop_timeline(hours=12)[:3]:
            print(f"{stop.workspace} stops at {stop.at:%H:%M} UTC, by {stop.source}")

    with EnterpriseQuietHours() as enterprise:
        default = enterprise.get_enterprise_quiet_hours().default
        print(f"The deployment's own quiet hours: {default.schedule if default else 'none'}")

    with PruneWorkspacesAgent() as prune_agent:
        found = prune_agent.get_prunable_workspaces(PruneFilters(all_users=True))
        print(f"{len(found)} could be put to sleep in their owners' quiet hours")


def stop_for_the_night() -> None:
    """Stop what runs in quiet hours, see why, and take it back."""
    with QuietHoursAgent() as quiet_agent:
        for category, workspaces in quiet_agent.categorize_workspaces().items():
            print(f"{category}: {len(workspaces)}")
        if not quiet_agent.is_grace_period_over():
            print("Nothing is stopped before the grace is over.")
            return
        for workspace, reason in quiet_agent.stop_workspaces_for_quiet_hours(dry_run=True).planned:
            print(f"would stop {workspace}: {reason}")
        results = quiet_agent.stop_workspaces_for_quiet_hours()
        print(f"stopped {len(results.stopped)}, failed {len(results.failed)}: {results.end}")
        if results.plan_id:
            undone = quiet_agent.undo(results.plan_id)
            print(f"started {len(undone.done)} again")


# --- the stage -----------------------------------------------------------------------------------


@contextmanager
def simulated() -> Iterator[None]:
    """Let a simulated deployment run, and point this program at it."""
    program = [sys.executable, "-m", "carrel", "simulate", "coder", "--workspaces", "40", "--json"]
    evening = ["--start", "2026-11-23T19:30+00:00", "--speed", "120"]
    with (
        tempfile.TemporaryDirectory(prefix="carrel-example-") as home,
        subprocess.Popen([*program, *evening], stdout=subprocess.PIPE, text=True) as simulator,
    ):
        try:
            assert simulator.stdout is not None
            told = json.loads("".join(iter(simulator.stdout.readline, "}\n")) + "}")
            (Path(home) / "carrel.toml").write_text(SETTINGS, encoding="utf-8")
            os.environ.update(CARREL_HOME=home, CODER_URL=told["url"], CODER_TOKEN=told["token"])
            yield
        finally:
            simulator.terminate()


def main() -> int:
    """Play the night."""
    with simulated():
        try:
            look()
            stop_for_the_night()
        except CarrelError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
