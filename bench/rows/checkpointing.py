"""A checkpoint of ten changed files, against `git add -A && git commit` in a worktree."""

import statistics
import sys
from collections.abc import Callable, Iterator

from harness.bench import Bench, Worktree, append, environment, timed
from harness.figures import Row, duration, faster
from harness.peer import git_in, run
from harness.repository import name_of, spread

from carrel.control import checkpoints

_COLD = "harness/cold.py"


def rows(bench: Bench) -> Iterator[Row]:
    """Alternate git's commit, our checkpoint, and one by a cold process."""
    git: list[float] = []
    resident: list[float] = []
    cold: list[float] = []
    whole: list[float] = []
    with bench.worktree() as tree:
        tree.add()
        _commit(bench, tree)()  # the first one also settles the fresh index; not counted
        for number in range(3 if bench.quick else 9):
            steps: list[Callable[[], None]] = [
                lambda: git.append(timed(_commit(bench, tree))),
                lambda: resident.append(_resident(bench)),
                lambda: cold.append(_cold(bench)),
            ]
            for step in steps if number % 2 else reversed(steps):
                step()
        whole += [_whole(bench) for _ in range(3)]
    yield faster(
        "checkpoint of 10 files, resident",
        git=git,
        ours=resident,
        goal=40,
        notes=["git: `git add -A && git commit` in a warm worktree."],
    )
    yield faster(
        "checkpoint of 10 files, cold process, 5 of them in a commit of the agent's",
        git=git,
        ours=cold,
        goal=10,
        notes=[
            "Cold: a new process after its imports; opening settings, database, stores included.",
            f"`carrel checkpoint` as a whole process: {duration(statistics.median(whole))}.",
        ],
    )


def _commit(bench: Bench, tree: Worktree) -> Callable[[], None]:
    numbers = spread(10, bench.repository.files, bench.shift())
    append(tree.path, map(name_of, numbers), "somebody")

    def commit() -> None:
        git_in(tree.path, "add", "-A")
        git_in(tree.path, "commit", "-q", "-m", "Ten files")

    return commit


def _resident(bench: Bench) -> float:
    workspace = bench.create()
    bench.edit(workspace, spread(10, bench.repository.files, bench.shift()))
    took = timed(lambda: checkpoints.checkpoint(bench.ctx, workspace))
    bench.discard([workspace])
    return took


def _cold(bench: Bench) -> float:
    workspace = bench.create()
    numbers = spread(10, bench.repository.files, bench.shift())
    bench.edit(workspace, numbers[:5])
    bench.inside(workspace, ["git", "commit", "-q", "-a", "-m", "The agent's own"])
    bench.edit(workspace, numbers[5:])
    command = [sys.executable, f"{sys.path[0]}/{_COLD}", bench.driver, "checkpoint"]
    command.append(workspace.agent_id)
    took = float(run(command, env=environment()))
    bench.discard([workspace])
    return took


def _whole(bench: Bench) -> float:
    workspace = bench.create()
    bench.edit(workspace, spread(10, bench.repository.files, bench.shift()))
    command = [bench.carrel, "checkpoint", workspace.agent_id]
    took = timed(lambda: run(command, env=environment()))
    bench.discard([workspace])
    return took
