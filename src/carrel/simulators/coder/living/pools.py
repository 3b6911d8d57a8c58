"""Prebuilt workspaces: a reconciler keeps each pool full, unless it is paused."""

from datetime import timedelta
from functools import partial

from carrel.domain.fleet.workspaces import Transition
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.living.building import Builder
from carrel.simulators.coder.living.making import Wish, add
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.model.world import POOL, World

PAUSE = timedelta(seconds=30)


class Reconciler:
    """Refills the pools, and removes from them what does not run.

    Args:
        world: Where the pools are.
        builder: Builds for it.
    """

    def __init__(self, world: World, builder: Builder) -> None:
        self.world = world
        self.builder = builder
        self._planned: set[str] = set()
        world.on_built.append(self._built)

    def plan(self, template_id: str) -> None:
        """Look at a pool soon; a pool that is looked at soon anyway is left alone."""
        pooled = self.world.blueprints[template_id].prebuilds
        if self.world.setup.prebuilds_paused or not pooled or template_id in self._planned:
            return
        self._planned.add(template_id)
        self.world.agenda.at(self.world.now + PAUSE, partial(self._reconcile, template_id))

    def plan_all(self) -> None:
        """Look at every pool soon."""
        for template_id in self.world.blueprints:
            self.plan(template_id)

    def _built(self, space: Space, job: Job) -> None:
        if space.is_prebuild or job.number <= 2:  # noqa: PLR2004 - claimed, or made without a pool
            self.plan(space.template_id)

    def _reconcile(self, template_id: str) -> None:
        self._planned.discard(template_id)
        blueprint = self.world.blueprints[template_id]
        if self.world.setup.prebuilds_paused:
            return
        pool = self.world.person(POOL)
        mine = [
            space
            for space in map(self.world.spaces.__getitem__, pool.desk)
            if space.template_id == template_id
        ]
        for space in mine:
            if space.stopped or self.world.failed(space):
                self.builder.ask(space, Transition.DELETE, "initiator", pool.user_id)
        alive = [space for space in mine if space.latest.transition is Transition.START]
        for _ in range(blueprint.prebuilds - len(alive)):
            name = f"prebuild-{identity(self.world.seed, len(self.world.spaces))[:8]}"
            space = add(self.world, Wish(name, pool.user_id, template_id))
            space.is_prebuild = True
            self.builder.ask(space, Transition.START, "initiator", pool.user_id)
