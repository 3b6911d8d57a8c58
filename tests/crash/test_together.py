"""Many processes at once: nothing is lost, nothing happens twice."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from carrel.bootstrap import open_context
from carrel.control import checkpoints, cleanup, ledger, merging, projects, workspaces
from carrel.control.context import Context
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.control.workspaces import Request
from carrel.domain.conflicts import Rules, Strategy
from carrel.errors import CarrelError

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


def git(*arguments: str, cwd: Path | str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=U", "-c", "user.email=u@example.org", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def in_processes(count: int, action: Callable[[Context, int], object]) -> list[str]:
    """Run an action in forked processes at once; return what went wrong in each."""
    pipes = []
    for number in range(count):
        here, there = os.pipe()
        if os.fork() == 0:
            error = ""
            try:
                context = open_context(actor=f"process {number}")
                action(context, number)
                context.close()
            except BaseException as failed:  # noqa: BLE001 - told to the parent
                error = repr(failed)
            os.write(there, error.encode())
            os._exit(0)
        os.close(there)
        pipes.append(here)
    errors = []
    for here in pipes:
        with open(here, "rb") as told:
            errors.append(told.read().decode())
    for _ in pipes:
        os.wait()
    return [error for error in errors if error]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")
    monkeypatch.setenv("CARREL_WORKSPACE_MAX_COUNT", "100")
    repository = tmp_path / "project"
    repository.mkdir()
    git("init", "-q", "-b", "main", cwd=repository)
    (repository / "shared.txt").write_text("".join(f"line {n}\n" for n in range(200)))
    git("add", "-A", cwd=repository)
    git("commit", "-q", "-m", "start", cwd=repository)
    yield repository
    context = open_context()
    for workspace in workspaces.listing(context, everything=True):
        context.driver(workspace).withdraw(context.place(workspace))
    context.close()


def parts(whole: Sequence[int], count: int) -> list[Sequence[int]]:
    return [whole[n::count] for n in range(count)]


def test_fifty_workspaces_merge_into_one_branch_from_eight_processes(world: Path) -> None:
    context = open_context()
    projects.register(context, str(world))
    context.close()
    shares = parts(range(50), 8)

    def work(ctx: Context, number: int) -> None:
        for one in shares[number]:
            made = workspaces.create(ctx, Request(agent_id=f"agent-{one}"))
            tree = Path(made.working_directory)
            (tree / f"own-{one}.txt").write_text(f"by {one}\n")
            lines = (tree / "shared.txt").read_text().splitlines()
            lines[one * 4] = f"changed by {one}"
            (tree / "shared.txt").write_text("\n".join(lines) + "\n")
            merging.merge(ctx, made, MergeRequest(rules=Rules(default=Strategy.FAIL)))

    assert in_processes(8, work) == []
    names = git("ls-tree", "--name-only", "main", cwd=world).splitlines()
    assert {f"own-{n}.txt" for n in range(50)} <= set(names)
    text = git("show", "main:shared.txt", cwd=world).splitlines()
    assert [text[n * 4] for n in range(50)] == [f"changed by {n}" for n in range(50)]
    assert git("status", "--porcelain", cwd=world) == ""
    merges = git("rev-list", "--count", "--merges", "main", cwd=world)
    assert int(merges) == 50
    context = open_context()
    assert ledger.verify(context).broken_at is None
    assert reconcile(context, dry_run=True) == []
    context.close()


def test_the_same_workspace_is_made_once(world: Path) -> None:
    context = open_context()
    projects.register(context, str(world))
    context.close()
    assert in_processes(8, lambda ctx, _: workspaces.create(ctx, Request(agent_id="one"))) == []
    context = open_context()
    assert len(workspaces.listing(context, everything=True)) == 1
    assert reconcile(context, dry_run=True) == []
    context.close()


def test_the_same_iteration_is_recorded_once(world: Path) -> None:
    context = open_context()
    projects.register(context, str(world))
    made = workspaces.create(context, Request(agent_id="one"))
    (Path(made.working_directory) / "x.txt").write_text("x\n")

    def record(ctx: Context, _: int) -> None:
        checkpoints.checkpoint(ctx, find(ctx, "one"), iteration=1)

    assert in_processes(6, record) == []
    assert [row.iteration for row in checkpoints.listing(context, made)] == [1]
    context.close()


def test_removal_and_merge_at_once_lose_nothing(world: Path) -> None:
    context = open_context()
    projects.register(context, str(world))
    for number in range(6):
        made = workspaces.create(context, Request(agent_id=f"agent-{number}"))
        (Path(made.working_directory) / f"own-{number}.txt").write_text("precious\n")
    context.close()

    def work(ctx: Context, number: int) -> None:
        for one in range(6):
            try:
                workspace = find(ctx, f"agent-{one}")
                if number % 2:
                    merging.merge(ctx, workspace, MergeRequest())
                else:
                    cleanup.remove(ctx, workspace)
            except CarrelError as error:
                if error.code not in ("unknown_workspace", "workspace_not_ready"):
                    raise

    assert in_processes(4, work) == []
    for one in range(6):
        assert git("show", f"carrel/agent-{one}:own-{one}.txt", cwd=world) == "precious"
    context = open_context()
    assert workspaces.listing(context) == []
    assert reconcile(context, dry_run=True) == []
    context.close()
