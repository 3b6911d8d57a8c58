"""A world in motion: everybody and everything that acts in it."""

from datetime import datetime

from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.executor import Executor
from carrel.simulators.coder.living.pools import Reconciler
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.peopling.assistants import Assistants
from carrel.simulators.coder.peopling.crowd import Crowd


class Life:
    """Moves a world on, from event to event.

    Args:
        world: What is moved on.
        failing: The share of starts that fail.
    """

    def __init__(self, world: World, failing: float = 0.0) -> None:
        self.world = world
        self.builder = Builder(world, failing)
        self.executor = Executor(world, self.builder)
        self.reconciler = Reconciler(world, self.builder)
        self.assistants = Assistants(world, self.builder)
        self.crowd = Crowd(world, self.builder)

    def begin(self) -> None:
        """Let everybody plan what they will do."""
        self.executor.plan_all()
        self.reconciler.plan_all()
        self.assistants.settle_in()
        self.crowd.settle_in()

    def run_until(self, moment: datetime) -> None:
        """Let everything happen that happens until a moment."""
        world = self.world
        while (event := world.agenda.pop(moment)) is not None:
            at, action = event
            world.now = max(world.now, at)
            action()
        world.now = max(world.now, moment)

    def set_provisioners(self, count: int) -> None:
        """Change how many builds run at the same time; 0 takes all provisioners away."""
        self.world.setup.provisioners = count
        self.builder.dispatch()
        self.executor.plan_all()

    def set_prebuilds_paused(self, *, paused: bool) -> None:
        """Pause the reconciler of the pools, or let it go on."""
        self.world.setup.prebuilds_paused = paused
        if not paused:
            self.reconciler.plan_all()

    def set_status(self, user_id: str, status: str) -> None:
        """Suspend a user, or make one active; the scheduler acts on it within a minute."""
        person = self.world.people[user_id]
        person.status = status
        for workspace_id in person.desk:
            self.world.changed(self.world.spaces[workspace_id])
