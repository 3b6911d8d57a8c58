"""A simulated deployment in a process of its own, and a Carrel that is pointed at it."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

_SERVE = """
import sys
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator
many = int(sys.argv[1])
with Simulator(Population(workspaces=many), rate_limit=0).serving() as it:
    name = next(f"{it.world.people[one.owner_id].username}/{one.name}" for one in it.world.alive())
    print(it.url, it.token, name, flush=True)
    sys.stdin.read()
"""
_GOVERN = """
import json, resource, time
from carrel import bootstrap
from carrel.control.fleet import governing
ctx = bootstrap.open_fleet()
took = []
for _ in range(2):
    began = time.perf_counter()
    governing.once(ctx)
    took.append(time.perf_counter() - began)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps({"first_s": took[0], "second_s": took[1], "peak_mb": peak}))
"""
_POLICIES = """
[coder]
requests_per_minute = 0

[policy.exclusions]
users = ["*"]

[policy.quiet_hours]
start = "18:00"
end = "08:00"
timezone = "Europe/Berlin"

[policy.time_to_live]
max_hours = 72

[policy.autostop]
idle_hours = 4

[policy.prune]
start = "18:00"
end = "08:00"

[policy.dormancy]
unused_days = 30
"""
"""Everybody is excluded, so that a pass finds nothing to do."""


class Deployment:
    """Runs while the block lasts.

    Args:
        folder: For Carrel's own files.
        workspaces: How many; three people for ten of them, a group for 75 people.
        quick: Fewer rounds, for a look.
    """

    def __init__(self, folder: str, workspaces: int, *, quick: bool) -> None:
        self.folder = folder
        self.workspaces = workspaces
        self.quick = quick
        self.url = self.token = self._name = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-c", _SERVE, str(self.workspaces)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url, self.token, self._name = self._process.stdout.readline().split()
        os.makedirs(f"{self.folder}/home", exist_ok=True)
        with open(f"{self.folder}/home/carrel.toml", "w", encoding="utf-8") as file:
            file.write(_POLICIES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.communicate()  # its input ends, and so does it

    def smaller(self) -> "Deployment":
        """Return a deployment of a tenth of the size."""
        return Deployment(f"{self.folder}/smaller", self.workspaces // 10, quick=self.quick)

    def some_workspace(self) -> str:
        """Return the name of a workspace."""
        return self._name

    def governed(self) -> dict[str, float]:
        """Let a process make two passes; tell how long they took, and its most memory."""
        told = subprocess.run(
            [sys.executable, "-c", _GOVERN], env=self._environment(), check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return cast("dict[str, float]", json.loads(told.stdout.splitlines()[-1]))

    def run(self, command: Sequence[str]) -> tuple[float, float]:
        """Run Carrel's program; return milliseconds that it took, and those of a core in it."""
        program = f"{os.path.dirname(sys.executable)}/carrel"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run([program, *command], env=self._environment(), check=True,
                       capture_output=True)  # fmt: skip
        took = (time.perf_counter() - began) * 1000
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return took, busy * 1000

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CARREL_HOME": f"{self.folder}/home",
            "CODER_URL": self.url,
            "CODER_SESSION_TOKEN": self.token,
        }
