"""Creating, the first look around, and taking away: one `git worktree` a round beside ours."""

import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator

from harness.bench import Bench, Worktree, allocated, answered, median_of, timed
from harness.figures import Row, Spread, duration, faster, size, skipped, spread, within
from harness.peer import git_in, run
from harness.repository import spread as far_apart

from carrel.control import checkpoints, cleanup, occupancy, workspaces
from carrel.domain.workspaces import Workspace

_PIECES = 5
"""Creations a round; a round's figure is their median."""


class Samples:
    """What the rounds measured, by name; the same place in two lists is the same round."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self.bytes: dict[str, list[float]] = defaultdict(list)

    def middle(self, name: str) -> str:
        """Return the median of a time as a person reads it."""
        return duration(statistics.median(self.times[name]))

    def pair(self, git_name: str, name: str) -> tuple[list[float], list[float]]:
        """Return git's and our times of the rounds in which both were taken."""
        ours = self.times[name]
        return self.times[git_name][: len(ours)], ours


def rows(bench: Bench) -> Iterator[Row]:
    """Run the rounds and tell what they say."""
    samples = Samples()
    samples.times["layer"].append(timed(lambda: bench.discard([bench.create()])))
    for number in range(2 if bench.quick else 5):
        _round(bench, samples, number)
    yield _overlay(bench, samples)
    yield _user_overlay(bench, samples)
    yield from _near(samples)
    yield _checkout(samples)
    yield from _disk(bench, samples)
    yield _status(bench, samples)
    yield _cleanup(samples)


def _round(bench: Bench, samples: Samples, number: int) -> None:
    made: list[Workspace] = []
    with bench.worktree() as tree:
        # Who goes first changes from round to round.
        steps: list[Callable[[], None]] = [
            lambda: samples.times["add"].append(timed(tree.add)),
            lambda: _create(bench, samples, made, number),
        ]
        for step in steps if number % 2 else reversed(steps):
            step()
        _looks(bench, samples, tree, made[0], number)
        _removals(bench, samples, tree, made[0])
    bench.discard(made[1:])


def _create(bench: Bench, samples: Samples, made: list[Workspace], number: int) -> None:
    """Create in every way that there is; the first one made is by the fastest driver."""

    def kept(create: Callable[[], Workspace]) -> Callable[[], None]:
        return lambda: made.append(create())

    if bench.works("user_overlay"):
        _create_inside(bench, samples)
    if bench.works("overlay"):
        samples.times["overlay"].append(
            median_of(_PIECES, lambda: kept(bench.creator(driver="overlay")))
        )
    else:
        made.append(bench.create())
    branch = f"near-{number}"
    samples.times["near"].append(timed(kept(bench.creator(branch=branch))))
    again = median_of(_PIECES, lambda: kept(bench.creator(branch=branch)))
    samples.times["near again"].append(again)
    if number < 3:
        samples.times["checkout"].append(timed(kept(bench.creator(driver="checkout"))))


def _create_inside(bench: Bench, samples: Samples) -> None:
    """Create workspaces that only those inside can see, and go into one."""
    made: list[Workspace] = []

    def creator() -> Callable[[], object]:
        create = bench.creator(driver="user_overlay")
        return lambda: made.append(create())

    samples.times["user_overlay"].append(median_of(_PIECES, creator))
    samples.times["enter"].append(timed(lambda: bench.inside(made[-1], ["true"])))
    bench.discard(made)


def _looks(
    bench: Bench, samples: Samples, tree: Worktree, workspace: Workspace, number: int
) -> None:
    """Weigh both, ask both for their status, commit in both."""
    samples.bytes["idle"].append(allocated(workspace.home))
    samples.bytes["worktree"].append(allocated(tree.path))
    argv, cwd = occupancy.inside(bench.ctx, workspace, ["git", "status", "--short"])
    steps: list[Callable[[], None]] = [
        lambda: samples.times["status"].append(
            timed(lambda: git_in(tree.path, "status", "--short"))
        ),
        lambda: samples.times["our status"].append(timed(lambda: run(argv, cwd=cwd))),
    ]
    for step in steps if number % 2 else reversed(steps):
        step()
    numbers = far_apart(10, bench.repository.files, bench.shift())
    before = allocated(workspace.home)
    bench.edit(workspace, numbers)
    changes = allocated(workspace.home) - before
    objects = _objects(bench, workspace)
    before_objects = sum(map(allocated, objects))
    bench.inside(workspace, ["git", "add", "-A"])
    bench.inside(workspace, ["git", "commit", "-q", "-m", "The agent's own"])
    changes += sum(map(allocated, _objects(bench, workspace))) - before_objects
    samples.bytes["changes"].append(changes)
    samples.bytes["after commit"].append(allocated(workspace.home))


def _objects(bench: Bench, workspace: Workspace) -> list[str]:
    """Return the folder of the objects that the agent wrote, if there is one yet."""
    place = bench.ctx.place(workspace)
    own = bench.ctx.driver(workspace).git_dirs(place, workspaces.lowers(bench.ctx, workspace))[0]
    return [path for path in (f"{own}/objects",) if os.path.isdir(path)]


def _removals(bench: Bench, samples: Samples, tree: Worktree, workspace: Workspace) -> None:
    checkpoints.checkpoint(bench.ctx, workspace)
    samples.times["remove"].append(timed(tree.remove))
    took, removal = answered(lambda: cleanup.remove(bench.ctx, workspace))
    samples.times["cleanup"].append(took)
    cleanup.purge(bench.ctx, removal.workspace)


def _overlay(bench: Bench, samples: Samples) -> Row:
    operation = "create, layer present, overlay as root"
    if not samples.times["overlay"]:
        return skipped(operation, "≥ 500×, ≤ 5 ms", bench.why_not("overlay"))
    git, ours = samples.pair("add", "overlay")
    note = f"Building the layer, once a commit: {samples.middle('layer')}."
    return faster(operation, git=git, ours=ours, goal=500, limit_ms=5, notes=[note])


def _user_overlay(bench: Bench, samples: Samples) -> Row:
    operation = "the same, user-namespace overlay"
    if not samples.times["user_overlay"]:
        return skipped(operation, "≥ 250×", bench.why_not("user_overlay"))
    git, ours = samples.pair("add", "user_overlay")
    note = f"Then the first program run in it (`true`): {samples.middle('enter')}."
    return faster(operation, git=git, ours=ours, goal=250, notes=[note])


def _near(samples: Samples) -> Iterator[Row]:
    git, ours = samples.pair("add", "near")
    yield faster("create 100 files away from a layer", git=git, ours=ours, goal=12)
    git, ours = samples.pair("add", "near again")
    yield faster("the same, second time", git=git, ours=ours, goal=500)


def _checkout(samples: Samples) -> Row:
    git, ours = samples.pair("add", "checkout")
    return within("create, checkout driver", base=git, ours=ours, goal=1.0)


def _disk(bench: Bench, samples: Samples) -> Iterator[Row]:
    weighed = {name: spread(values) for name, values in samples.bytes.items()}
    whole = size(weighed["worktree"].middle)
    yield _light("disk, idle workspace", weighed["idle"], 100e3, whole, bench)
    after = [
        total - changes
        for total, changes in zip(
            samples.bytes["after commit"], samples.bytes["changes"], strict=True
        )
    ]
    yield _light("disk after the agent's first git write, its changes aside", spread(after), 5e6,
                 whole, bench)  # fmt: skip


def _light(operation: str, found: Spread, goal: float, whole: str, bench: Bench) -> Row:
    reached = found.middle <= goal
    return Row(
        operation=operation,
        goal=f"≤ {size(goal)}",
        measured=f"{size(found.middle)} ({size(found.low)}–{size(found.high)})",
        times=f"worktree {whole}",
        reached=reached,
        gap="" if reached else f"{size(found.middle - goal)} over",
        notes=(f"Driver: {bench.driver}.",) if bench.driver != "overlay" else (),
        samples={"bytes": [found.low, found.middle, found.high]},
    )


def _status(bench: Bench, samples: Samples) -> Row:
    notes = () if bench.driver == "overlay" else (f"Driver: {bench.driver}.",)
    git, ours = samples.pair("status", "our status")
    return within("first `git status` by the agent", base=git, ours=ours, goal=1.25, notes=notes)


def _cleanup(samples: Samples) -> Row:
    git, ours = samples.pair("remove", "cleanup")
    return faster("cleanup call", git=git, ours=ours, goal=200)
