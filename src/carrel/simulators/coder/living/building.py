"""Builds: asked for, waiting for a provisioner, running, ended."""

from datetime import timedelta
from functools import partial

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.chance import share
from carrel.simulators.coder.living.timing import following_start, settle, wind
from carrel.simulators.coder.model.workspaces import NO_DEADLINES, Job, Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.refusals import RefusalError

CONFLICT = "A workspace build is already active."
CANCEL_SECONDS = 5


class Builder:
    """Queues builds and runs them on a limited number of provisioners, first come first served.

    Args:
        world: What is built in.
        failing: The share of starts that fail.
    """

    def __init__(self, world: World, failing: float = 0.0) -> None:
        self.world = world
        self.failing = failing
        self.busy: dict[int, Job] = {}

    def ask(self, space: Space, transition: Transition, reason: str, initiator_id: str) -> Job:
        """Queue a build.

        Raises:
            RefusalError: 409 another build is under way; 404 the workspace is deleted; 406 the
                template's version is being imported.
        """
        blueprint = self.world.blueprints[space.template_id]
        if space.deleted:
            raise RefusalError(404, "Resource not found or you do not have access")
        if space.latest.status.active:
            raise RefusalError(409, CONFLICT)
        if blueprint.importing and transition is Transition.START:
            raise RefusalError(406, "The provided template version is still importing.")
        job = self._job(space, transition, reason, initiator_id)
        self.world.note(
            initiator_id,
            str(transition),
            "workspace_build",
            (job.build_id, space.name, space.organization_id),
            workspace_name=space.name,
            workspace_id=space.workspace_id,
            workspace_owner=self.world.people[space.owner_id].username,
            build_number=str(job.number),
            build_reason=reason,
        )
        if transition is Transition.START:
            space.dormant_at = space.deleting_at = None
        self.world.waiting.append(job)
        self.world.changed(space)
        self.dispatch()
        return job

    def dispatch(self) -> None:
        """Give waiting builds to provisioners that are free."""
        while self.world.waiting and len(self.busy) < self.world.setup.provisioners:
            job = self.world.waiting.popleft()
            worker = next(n for n in range(len(self.busy) + 1) if n not in self.busy)
            job.worker, job.status, job.started_at = worker, BuildStatus.RUNNING, self.world.now
            self.busy[worker] = job
            self.world.agenda.at(
                self.world.now + timedelta(seconds=job.seconds), partial(self._end, job)
            )
            self.world.changed(self.world.spaces[job.workspace_id])

    def cancel(self, job: Job) -> None:
        """Cancel a build: at once while it waits, in a moment when it runs."""
        job.canceled_at = self.world.now
        if job.status is BuildStatus.PENDING:
            self.world.waiting.remove(job)
            self._finish(job, BuildStatus.CANCELED)
        elif job.status is BuildStatus.RUNNING:
            job.status = BuildStatus.CANCELING
            self.world.changed(self.world.spaces[job.workspace_id])
            soon = self.world.now + timedelta(seconds=CANCEL_SECONDS)
            self.world.agenda.at(soon, partial(self._end, job))

    def _job(self, space: Space, transition: Transition, reason: str, initiator_id: str) -> Job:
        blueprint = self.world.blueprints[space.template_id]
        version = space.latest.version_id
        if transition is Transition.START and blueprint.require_active:
            version = blueprint.rules.active_version_id
        usual = (
            blueprint.start_seconds if transition is Transition.START else blueprint.stop_seconds
        )
        number = space.latest.number + 1
        luck = share(self.world.seed, "seconds", space.workspace_id, number)
        job = Job(
            self.world.new_id("build"),
            self.world.new_id("job"),
            number,
            space.workspace_id,
            transition,
            reason,
            initiator_id,
            version,
            self.world.now,
            seconds=int(usual * (0.6 + luck)),
        )
        space.builds.append(job)
        self.world.jobs[job.build_id] = job
        return job

    def _end(self, job: Job) -> None:
        if not job.status.active:
            return
        if self.busy.get(job.worker) is job:
            del self.busy[job.worker]
        if job.status is BuildStatus.CANCELING:
            self._finish(job, BuildStatus.CANCELED)
        else:
            space = self.world.spaces[job.workspace_id]
            self._finish(
                job, BuildStatus.FAILED if self._fails(space, job) else BuildStatus.SUCCEEDED
            )
        self.dispatch()

    def _fails(self, space: Space, job: Job) -> bool:
        if space.failing:
            space.failing -= 1
            return True
        unlucky = share(self.world.seed, "fails", space.workspace_id, job.number) < self.failing
        return unlucky and job.transition is Transition.START

    def _finish(self, job: Job, status: BuildStatus) -> None:
        world, space = self.world, self.world.spaces[job.workspace_id]
        settle(world, space)
        job.status, job.completed_at = status, world.now
        space.updated_at = world.now
        if status is BuildStatus.FAILED:
            job.error = "terraform apply: the provider returned an error"
        if status is BuildStatus.SUCCEEDED:
            self._take_effect(space, job)
        space.next_start_at = following_start(world, space, world.now)
        world.changed(space)
        world.built(space, job)

    def _take_effect(self, space: Space, job: Job) -> None:
        if job.transition is Transition.START:
            job.clock = NO_DEADLINES if space.is_prebuild else wind(self.world, space)
            self.world.boot(space)
            if not space.is_prebuild:
                space.used_at = self.world.now
            return
        self.world.shut(space, "workspace stopped")
        if job.transition is Transition.DELETE:
            space.deleted = True
            owner = self.world.people[space.owner_id]
            if space.workspace_id in owner.desk:
                owner.desk.remove(space.workspace_id)
