"""The acts of the demonstration, each by the same use-cases that everybody calls."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from carrel.control import checkpoints, cleanup, merging, prediction, workspaces
from carrel.control.cleanup import Removal
from carrel.control.context import Context
from carrel.control.demo.script import AGENTS, CHANGES, Agent, Step
from carrel.control.finding import reread
from carrel.control.occupancy import inside, occupied
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.results import CommitInfo, MergeResult
from carrel.domain.workspaces import OPEN_STATES, Workspace
from carrel.errors import CarrelError, FailedError, RefusedError
from carrel.git.merging.predict import Prediction
from carrel.system import processes
from carrel.system.foreground import environment

RULES = Rules(globs=((CHANGES, Strategy.UNION),))
REVIEWER = "reviewer"


class Phase(StrEnum):
    """What an agent is at."""

    STARTING = "starting"
    WORKING = "working"
    SAVING = "saving"
    CHECKING = "checking"
    REPAIRING = "repairing"
    VALID = "valid"


class Watcher(Protocol):
    """Is told how each agent gets on; called from several threads."""

    def tell(self, agent: str, phase: Phase, note: str) -> None:
        """Hear of one step."""
        ...


@dataclass(frozen=True, slots=True)
class Worked:
    """What one agent did.

    Attributes:
        agent: Its script.
        workspace: Its workspace, as it is after the last checkpoint.
        created_in: Seconds that making the workspace took.
        saved: Its checkpoints.
        failures: What was found invalid on the way.
    """

    agent: Agent
    workspace: Workspace
    created_in: float
    saved: list[CommitInfo] = field(default_factory=list[CommitInfo])
    failures: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Demonstration:
    """One run.

    Attributes:
        ctx: Opened on a throwaway folder.
        project: What the agents work on.
        scratch: Folder for what validating leaves behind.
        watcher: Is told of every step.
        pace: Seconds between two steps, so that a person can follow; 0 for a machine.
    """

    ctx: Context
    project: Project
    scratch: Path
    watcher: Watcher
    pace: float = 0.0

    def work(self) -> list[Worked]:
        """Let all agents work at the same time, each in a workspace of its own."""
        with ThreadPoolExecutor(len(AGENTS)) as pool:
            return list(pool.map(self._one, AGENTS))

    def foresee(self, worked: Sequence[Worked]) -> Prediction:
        """Predict the conflicts and the best order."""
        return prediction.predict(self.ctx, [one.workspace for one in worked])

    def merge(
        self, worked: Sequence[Worked], order: Sequence[str]
    ) -> Iterator[tuple[Worked, MergeResult]]:
        """Merge everybody's work, in the predicted order."""
        by_name = {one.agent.name: one for one in worked}
        for name in order:
            one = by_name[name]
            yield one, merging.merge(self.ctx, one.workspace, merging.MergeRequest(rules=RULES))
            self._pause()

    def review(self) -> str | None:
        """Check the merged branch in a workspace of its own; return what is wrong, if anything."""
        request = workspaces.Request(REVIEWER, project=self.project.name)
        reviewer = workspaces.create(self.ctx, request)
        found = self._invalid(reviewer)
        self._removed(reviewer, preserve_branch=False)
        return found

    def clean_up(self, worked: Sequence[Worked]) -> tuple[list[Removal], list[str]]:
        """Remove the workspaces, their branches stay; return also what was refused, and why."""
        removals = [self._removed(one.workspace, preserve_branch=True) for one in worked]
        return (
            [one for one in removals if isinstance(one, Removal)],
            [one for one in removals if isinstance(one, str)],
        )

    def _removed(self, workspace: Workspace, *, preserve_branch: bool) -> Removal | str:
        """Remove a workspace, unless some stranger on this machine keeps its mount."""
        try:
            return cleanup.remove(
                self.ctx, workspace, preserve_branch=preserve_branch, discard=not preserve_branch
            )
        except RefusedError as error:
            if error.code != "workspace_occupied":
                raise
            return error.what

    def _one(self, agent: Agent) -> Worked:
        name = agent.name
        self.watcher.tell(name, Phase.STARTING, "gets a workspace")
        before = self.ctx.clock.now()
        made = workspaces.create(
            self.ctx, workspaces.Request(name, project=self.project.name, offline=True)
        )
        spent = (self.ctx.clock.now() - before).total_seconds()
        worked = Worked(agent, made, spent)
        with occupied(self.ctx, made, name):
            self._attempt(worked, agent.steps, Phase.WORKING)
            if worked.failures:
                self._attempt(worked, agent.repair, Phase.REPAIRING)
        if len(worked.failures) > 1:
            raise FailedError("demo_failed", f"{name} could not repair: {worked.failures[-1]}")
        self.watcher.tell(name, Phase.VALID, worked.saved[-1].commit_sha)
        return Worked(agent, reread(self.ctx, made), spent, worked.saved, worked.failures)

    def _attempt(self, worked: Worked, steps: Sequence[Step], phase: Phase) -> None:
        tree, name = Path(workspaces.path(self.ctx, worked.workspace)), worked.agent.name
        for step in steps:
            self.watcher.tell(name, phase, step.said)
            step.act(tree)
            self._pause()
        if worked.agent.commits:
            self.watcher.tell(name, phase, "commits by ordinary git")
            _commit(tree, name, worked.agent.task)
        iteration = len(worked.saved) + 1
        self.watcher.tell(name, Phase.SAVING, f"checkpoint {iteration}")
        made = checkpoints.checkpoint(
            self.ctx, worked.workspace, iteration=iteration, message=worked.agent.task
        )
        worked.saved.append(made)
        self._pause()
        self.watcher.tell(name, Phase.CHECKING, "python -m compileall")
        found = self._invalid(worked.workspace)
        self._pause()
        if found:
            worked.failures.append(found)
            self.watcher.tell(name, Phase.REPAIRING, found)
            self._pause()

    def _invalid(self, workspace: Workspace) -> str | None:
        """Compile the sources by a real Python in the workspace; return the first error."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as cache:
            prefix = f"pycache_prefix={cache}"
            compiling = [sys.executable, "-I", "-X", prefix, "-m", "compileall", "-q"]
            argv, cwd = inside(self.ctx, workspace, [*compiling, "src/carrel/domain"])
            done = processes.run(argv, env=environment({}), cwd=cwd)
        if done.code == 0:
            return None
        lines = done.out.decode(errors="replace").strip().splitlines()
        return next((line.strip() for line in reversed(lines) if "Error:" in line), "invalid")

    def _pause(self) -> None:
        if self.pace:
            self.ctx.clock.wait(self.pace)


def _commit(tree: Path, name: str, message: str) -> None:
    """Commit as an agent does, with nothing of this machine's configuration."""
    author = {"NAME": name, "EMAIL": f"{name}@agents.example"}
    env = environment(
        {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_AUTHOR_{key}": value for key, value in author.items()},
            **{f"GIT_COMMITTER_{key}": value for key, value in author.items()},
        }
    )
    for command in (["git", "add", "--all"], ["git", "commit", "--quiet", "-m", message]):
        done = processes.run(command, env=env, cwd=str(tree))
        if done.code:
            raise FailedError(
                "demo_failed",
                f"{name} could not commit.",
                why=done.err.decode(errors="replace").strip(),
            )


def leave(ctx: Context) -> None:
    """Let go of every tree that is still shown, after an interruption too."""
    with ctx.store.reading() as tx:
        rows = tx.workspaces(states=tuple(OPEN_STATES))
    for row in rows:
        try:
            ctx.driver(row).withdraw(ctx.place(row))
        except CarrelError:  # somebody sits in it; deleting never enters a mount
            continue
