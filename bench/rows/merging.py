"""Merging: ten files against ten, and a thousand against a thousand with 500 conflicts."""

import functools
import statistics
import sys
from collections.abc import Callable, Iterator

from harness.bench import Bench, Worktree, answered, append, environment, timed
from harness.figures import Row, duration, faster
from harness.peer import git_in, run
from harness.repository import name_of, spread

from carrel.control import checkpoints, merging
from carrel.domain.workspaces import Workspace

_COLD = "harness/cold.py"


def rows(bench: Bench) -> Iterator[Row]:
    """Alternate git's merges and ours, in one worktree."""
    with bench.worktree() as tree:
        tree.add()
        yield from _clean(bench, tree)
        yield _conflicts(bench, tree)


def _clean(bench: Bench, tree: Worktree) -> Iterator[Row]:
    git: list[float] = []
    resident: list[float] = []
    cold: list[float] = []
    targets = iter(f"target-{n}" for n in range(60))
    for number in range(3 if bench.quick else 9):
        steps: list[Callable[[], None]] = [
            lambda: git.append(_git_merge(bench, tree, next(targets))),
            lambda: resident.append(_resident(bench, next(targets))),
            lambda: cold.append(_cold(bench, next(targets))),
        ]
        for step in steps if number % 2 else reversed(steps):
            step()
    whole = [_whole(bench, next(targets)) for _ in range(3)]
    yield faster(
        "merge, clean, 10 v 10, resident",
        git=git,
        ours=resident,
        goal=60,
        notes=["git: `git merge` in a warm worktree. Both sides are committed before."],
    )
    yield faster(
        "merge, clean, 10 v 10, cold process",
        git=git,
        ours=cold,
        goal=25,
        notes=[f"`carrel merge` as a whole process: {duration(statistics.median(whole))}."],
    )


def _git_merge(bench: Bench, tree: Worktree, target: str) -> float:
    git_in(tree.path, "checkout", "-q", "-B", f"side-{target}", "main")
    numbers = spread(10, bench.repository.files, bench.shift())
    append(tree.path, map(name_of, numbers), "somebody")
    git_in(tree.path, "commit", "-q", "-a", "-m", "Ten files")
    return timed(lambda: git_in(tree.path, "merge", "-q", "--no-edit", target))


def _ready(bench: Bench) -> Workspace:
    workspace = bench.create()
    bench.edit(workspace, spread(10, bench.repository.files, bench.shift()))
    checkpoints.checkpoint(bench.ctx, workspace)
    return workspace


def _resident(bench: Bench, target: str) -> float:
    workspace = _ready(bench)
    took = _merged(bench, workspace, target, "success", 0)
    bench.discard([workspace])
    return took


def _cold(bench: Bench, target: str) -> float:
    workspace = _ready(bench)
    command = [sys.executable, f"{sys.path[0]}/{_COLD}", bench.driver, "merge"]
    command += [workspace.agent_id, target]
    took = float(run(command, env=environment()))
    bench.discard([workspace])
    return took


def _whole(bench: Bench, target: str) -> float:
    workspace = _ready(bench)
    command = [bench.carrel, "merge", workspace.agent_id, "--into", target]
    took = timed(lambda: run(command, env=environment()))
    bench.discard([workspace])
    return took


def _conflicts(bench: Bench, tree: Worktree) -> Row:
    git: list[float] = []
    ours: list[float] = []
    for number in range(2 if bench.quick else 3):
        git_in(tree.path, "checkout", "-q", "-B", f"side-wide-{number}", "main")
        append(tree.path, map(name_of, range(1000)), "somebody")
        git_in(tree.path, "commit", "-q", "-a", "-m", "A thousand files")
        stop = functools.partial(git_in, tree.path, "merge", "-q", f"wide-{number}", ok=(1,))
        git.append(timed(stop))
        git_in(tree.path, "merge", "--abort")
        workspace = bench.create()
        bench.edit(workspace, range(1000))
        checkpoints.checkpoint(bench.ctx, workspace)
        ours.append(_merged(bench, workspace, f"wide-{number}", "conflict_resolved", 500))
        bench.discard([workspace])
    return faster(
        "merge, 1,000 v 1,000 with 500 conflicts, settled and recorded",
        git=git,
        ours=ours,
        goal=3,
        notes=["git: `git merge` until it stops at the 500 conflicts; nothing is settled."],
    )


def _merged(bench: Bench, workspace: Workspace, target: str, status: str, conflicts: int) -> float:
    request = merging.MergeRequest(into=target)
    took, result = answered(lambda: merging.merge(bench.ctx, workspace, request))
    if (result.status, result.total_conflicts) != (status, conflicts):
        raise RuntimeError(f"expected {status} with {conflicts} conflicts, got {result}")
    return took
