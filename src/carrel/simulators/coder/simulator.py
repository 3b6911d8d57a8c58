"""A stateful stand-in for a Coder deployment, over real HTTP."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock

from carrel.domain.fleet import passing
from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.ports.clock import Clock
from carrel.simulators.coder.life import Life
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.model.world import ADMIN, World
from carrel.simulators.coder.peopling.population import Population, issue, populate
from carrel.simulators.coder.protocol.call import Site
from carrel.simulators.coder.serving.dispatch import Asked, Dispatcher, Reply
from carrel.simulators.coder.serving.faults import Fault, Faults, Kind
from carrel.simulators.coder.serving.limits import Limits
from carrel.simulators.coder.serving.server import Server
from carrel.simulators.coder.wire.workspaces import Shelf
from carrel.system.clock import SystemClock

RATE_LIMIT = 512

Beginning = tuple[Population, World, Life]
"""Belong together: its setup is the one of the world, which the life changes."""


class Simulator:
    """A deployment with people in it, whose time is ours.

    Time stands still until `advance` is called or a client waits, unless a speed is given.

    Args:
        population: Who and what is in it.
        speed: How many of its seconds go by in a real one; 0: time stands still.
        rate_limit: How many requests a minute a user may send to one path; 0: any number.
        faults: What goes wrong.
        real: Tells the real time.
    """

    def __init__(
        self,
        population: Population | None = None,
        *,
        speed: float = 0.0,
        rate_limit: int = RATE_LIMIT,
        faults: tuple[Fault, ...] = (),
        real: Clock | None = None,
    ) -> None:
        self.speed = speed
        self.real = real or SystemClock()
        self.population, self.world, self.life = self._begun(population or Population())
        self.lock = RLock()
        self.faults = Faults(self.population.seed, faults)
        self.limits = Limits(rate_limit, self.real.now)
        self.dispatcher = Dispatcher(
            Site(self.world, self.life, Shelf(self.world)),
            self.faults,
            self.limits,
            self.lock,
            speed,
        )
        self.clock = SimulatedClock(self)
        self._since = self.real.now()
        self._server: Server | None = None

    def _begun(self, wanted: Population) -> Beginning:
        """Return who and what is in it, once its history was lived."""
        population = replace(wanted, setup=replace(wanted.setup))
        world = populate(population)
        life = Life(world, population.failing)
        life.begin()
        life.run_until(population.start)
        return population, world, life

    # --- serving ---------------------------------------------------------------------------

    @contextmanager
    def serving(self, port: int = 0) -> Generator["Simulator"]:
        """Answer over HTTP on the loopback, at `url` and for `token`."""
        self._server = Server(self.answer, port)
        self._server.start()
        try:
            yield self
        finally:
            self._server.close()
            self._server = None

    @property
    def url(self) -> str:
        """Where it answers; only while it serves."""
        if self._server is None:
            raise RuntimeError("The simulator is not serving.")
        return self._server.url

    @property
    def token(self) -> str:
        """A token that may do everything."""
        return self.token_of(ADMIN)

    def token_of(self, username: str, *, denied: frozenset[str] = frozenset()) -> str:
        """Return a token of a user.

        Args:
            username: Whose.
            denied: What it may not do, as `resource:action`, such as `audit_log:read`.
        """
        with self.lock:
            token = issue(self.world, self.world.person(username), " ".join(sorted(denied)))
            token.denied = denied
            return token.secret

    def answer(self, asked: Asked) -> Reply:
        """Answer one request, at the moment it is; time that stands still passes if asked for."""
        self.catch_up()
        if self.speed == 0 and (span := passing.asked(asked.headers)):
            self.advance(span)
        return self.dispatcher.answer(asked)

    # --- time ------------------------------------------------------------------------------

    def catch_up(self) -> datetime:
        """Let happen what has happened by now, and return the moment."""
        with self.lock:
            real = self.real.now()
            gone, self._since = real - self._since, real
            if self.speed > 0:
                self.life.run_until(self.world.now + gone * self.speed)
            return self.world.now

    def advance(self, span: timedelta) -> None:
        """Let time pass, and everything happen in it."""
        with self.lock:
            self.life.run_until(self.world.now + span)

    # --- what a rehearsal looks at, and does ------------------------------------------------

    def history(self, *, by: str | None = None) -> list[Job]:
        """Return all builds in the order they were asked for; by: those one user asked for."""
        with self.lock:
            jobs = self.world.history()
            if by is None:
                return jobs
            wanted = self.world.person(by).user_id
            return [job for job in jobs if job.initiator_id == wanted]

    def double_stops(self) -> list[Job]:
        """Return the stops of what was stopped already: there should be none."""
        with self.lock:
            return [job for space in self.world.spaces.values() for job in _doubled(space)]

    def space(self, full_name: str) -> Space:
        """Return a workspace by `owner/name`."""
        with self.lock:
            return self.world.space(full_name)

    def fault(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        with self.lock:
            self.faults.faults.append(fault)

    def set_provisioners(self, count: int) -> None:
        """Change how many builds run at the same time; 0 takes all provisioners away."""
        with self.lock:
            self.life.set_provisioners(count)

    def restart(self, refused: int = 3) -> None:
        """Restart the deployment: all connections end, and the next requests find nobody."""
        self.fault(Fault(Kind.DROP, count=refused))
        if self._server is not None:
            self._server.cut()


class SimulatedClock:
    """The clock of a simulated deployment: waiting lets its time pass, and takes none.

    Args:
        simulator: Whose.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def now(self) -> datetime:
        """Return the present moment there, in UTC."""
        return self._simulator.catch_up()

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass there."""
        if self._simulator.speed > 0:
            self._simulator.real.wait(seconds / self._simulator.speed)
        else:
            self._simulator.advance(timedelta(seconds=seconds))


def _doubled(space: Space) -> list[Job]:
    found: list[Job] = []
    stopped = False
    for job in space.builds:
        if job.transition is Transition.STOP and stopped:
            found.append(job)
        if job.status is BuildStatus.SUCCEEDED or job.transition is not Transition.STOP:
            stopped = job.transition is Transition.STOP
    return found
