"""A simulated deployment, a state folder, and processes that govern it and may be killed.

Time stands still there until somebody waits: each process waits by asking this one to let the
deployment's time pass. So a night takes no time, and all processes have one clock.
"""

import multiprocessing
import os
import traceback
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import stamina

from carrel.bootstrap import Database, open_coder, open_fleet
from carrel.control.fleet import applying, governing
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.workspaces import Transition
from carrel.domain.ledger import first_break
from carrel.ports.clock import Clock
from carrel.settings.loading import load
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.serving.faults import Fault
from carrel.simulators.coder.simulator import Simulator
from carrel.system import faults

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_TRIES = 5
"""How often a request is repeated where that helps; without waiting in between."""

_SPAWNING = multiprocessing.get_context("forkserver")
_SPAWNING.set_forkserver_preload(["tests.crash.fleet_world", "carrel.backends.coder.coder"])


@dataclass(frozen=True)
class Told:
    """What a process told before it ended.

    Attributes:
        points: The points between steps that it passed.
        result: How its plan ended, or how it failed.
    """

    points: tuple[str, ...] = ()
    result: str = ""


class FarClock:
    """The clock of the deployment, as another process asks for it. Safe for threads."""

    def __init__(self, far: "Connection[object, object]") -> None:
        self._far = far
        self._lock = Lock()

    def now(self) -> datetime:
        return self._asked(0.0)

    def wait(self, seconds: float) -> None:
        self._asked(seconds)

    def _asked(self, seconds: float) -> datetime:
        with self._lock:
            self._far.send(seconds)
            at = self._far.recv()
        assert isinstance(at, datetime)
        return at


@dataclass
class Child:
    """A process that governs, and this side of its clock."""

    simulator: Simulator
    process: ForkServerProcess
    near: "Connection[object, object]"
    may_go: Event = field(default_factory=Event)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self._serving = Thread(target=self._serve, daemon=True)
        self._serving.start()

    def go(self) -> None:
        """Let it have the time, which it asks for before all else."""
        self.may_go.set()

    def end(self) -> Told:
        """Wait for its end, and return what it told."""
        self.go()
        self.process.join(120)
        self._serving.join(10)
        assert self.process.exitcode in {0, -9}, "it does not end, or not as it should"
        return self.told

    @property
    def killed(self) -> bool:
        return self.process.exitcode == -9

    def _serve(self) -> None:
        while True:
            try:
                asked = self.near.recv()
            except (EOFError, OSError):
                return
            if isinstance(asked, Told):
                self.told = asked
                continue
            assert isinstance(asked, float)
            self.may_go.wait(120)
            if asked:
                self.simulator.clock.wait(asked)
            self.near.send(self.simulator.clock.now())


@dataclass
class FleetWorld:
    """A simulated deployment that processes govern."""

    simulator: Simulator
    environment: Mapping[str, str]
    ctx: FleetContext

    def child(self, fault: str = "", plan_id: str = "", *, held: bool = False) -> Child:
        """Start a process that applies a plan, or makes one pass when none is named.

        One that is held gets no time before it may go.
        """
        near, far = _SPAWNING.Pipe()
        process = _SPAWNING.Process(target=_govern, args=(self.environment, far, fault, plan_id))
        process.start()
        far.close()
        child = Child(self.simulator, process, near)
        if not held:
            child.go()
        return child

    def ours(self) -> list[Job]:
        """Return the stops that were asked for with our token."""
        jobs = self.simulator.history(by="admin")
        return [job for job in jobs if job.transition is Transition.STOP]

    def stops(self) -> Counter[str]:
        """Return how many stops we asked for, by workspace."""
        return Counter(job.workspace_id for job in self.ours())

    def states(self) -> dict[str, tuple[object, ...]]:
        """Return what each workspace is, as far as undoing can give it back.

        Those that end within the hour are left out: no deadline can be set so near again.
        """
        with self.simulator.lock:
            world = self.simulator.world
            return {
                space.name: _state(space)
                for space in world.spaces.values()
                if not space.deleted
                and not (space.running and _near(space.latest.clock.deadline, world.now))
            }

    def verify(self) -> None:
        """Prove that no stop was sent twice, and that nobody has touched the ledger."""
        assert [job for job in self.simulator.double_stops() if job in self.ours()] == []
        with self.ctx.store.reading() as session:
            assert first_break(session.events()) is None


@contextmanager
def governed(
    top: Path,
    population: Population,
    toml: str = "",
    *,
    wrong: tuple[Fault, ...] = (),
    database: str = "",
) -> Generator[FleetWorld]:
    """Run a deployment, and open it as a fleet."""
    top.mkdir(parents=True, exist_ok=True)
    (top / "carrel.toml").write_text(toml)
    simulator = Simulator(population, rate_limit=0, faults=wrong)
    with simulator.serving(), stamina.set_testing(True, attempts=_TRIES):
        environment = {
            "CARREL_HOME": str(top),
            "CODER_URL": simulator.url,
            "CODER_SESSION_TOKEN": simulator.token,
        }
        if database:
            environment["CARREL_DATABASE_URL"] = database
        with closing(opened(environment, simulator.clock, "parent")) as ctx:
            yield FleetWorld(simulator, environment, ctx)


def opened(environment: Mapping[str, str], clock: Clock, actor: str) -> FleetContext:
    """Open a fleet that has another clock than usual."""
    os.environ["CODER_SESSION_TOKEN"] = environment["CODER_SESSION_TOKEN"]
    settings = load(environment)
    store = Database(settings.database.url)
    ctx = open_fleet(settings, store=store, actor=actor)
    ctx.ending += (store.close,)
    ctx.clock, ctx.connect = clock, lambda: open_coder(settings, clock)
    ctx.pace = replace(ctx.pace, poll=15.0)
    return ctx


def _state(space: Space) -> tuple[object, ...]:
    job = space.latest
    deadline = job.clock.deadline if space.running else None
    asleep = space.dormant_at is not None
    return (job.transition, job.status, deadline, space.ttl, asleep, space.autostart)


def _near(deadline: datetime | None, now: datetime) -> bool:
    return deadline is not None and deadline < now + timedelta(hours=1)


def _govern(
    environment: Mapping[str, str], far: "Connection[object, object]", fault: str, plan_id: str
) -> None:
    """Be a process that governs; it runs in a process of its own."""
    stamina.set_testing(True, attempts=_TRIES)
    passed = faults.trace()
    faults.arm(fault)
    try:
        with closing(opened(environment, FarClock(far), "child")) as ctx:
            report = applying.apply(ctx, plan_id) if plan_id else governing.once(ctx).report
        result = "" if report is None else str(report.end)
    except Exception:  # noqa: BLE001 - told to the parent
        result = traceback.format_exc()
    far.send(Told(tuple(passed), result))
