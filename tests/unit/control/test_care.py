"""What keeps a house in order: retention, the caretaker's round, reconciliation, extras."""

import os
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from carrel.control import checkpoints, cleanup, merging, occupancy, projects, retention, workspaces
from carrel.control.finding import reread
from carrel.control.merging import MergeRequest
from carrel.control.reconcile import reconcile
from carrel.control.starting import after_boot
from carrel.domain.retention import Retention
from carrel.domain.workspaces import Outcome, State
from carrel.errors import BadInputError, CarrelError, FailedError, LimitError, NotFoundError


class Later:
    """A clock that is ahead."""

    def __init__(self, now: datetime) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def later(ctx):
    ctx.clock = Later(ctx.clock.now())
    return ctx.clock


def write(workspace, name, content="x\n"):
    (Path(workspace.working_directory) / name).write_text(content)


def test_merged_failed_and_idle_go_at_their_own_times(ctx, make, later, repository):
    merged, failed, idle = make("merged"), make("failed"), make("idle")
    write(merged, "m.txt")
    write(idle, "never-committed.txt")
    merging.merge(ctx, merged, MergeRequest())
    workspaces.mark(ctx, failed, Outcome.FAILED)
    later.wait(3601)
    assert [deed.subject for deed in retention.collect(ctx) if deed.done] == ["merged"]
    later.wait(24 * 3600)
    assert [d.subject for d in retention.collect(ctx) if d.action == "remove"] == ["failed"]
    later.wait(7 * 24 * 3600)
    assert "idle" in [d.subject for d in retention.collect(ctx) if d.action == "remove"]
    assert repository.tree("carrel/idle")["never-committed.txt"] == "x"


def test_a_dry_run_of_the_collection_changes_nothing(ctx, make, later):
    made = make("idle")
    later.wait(30 * 24 * 3600)
    told = retention.collect(ctx, dry_run=True)
    assert [(deed.action, deed.subject, deed.done) for deed in told] == [("remove", "idle", False)]
    assert reread(ctx, made).state is State.ACTIVE
    assert os.path.isdir(made.working_directory)


def test_an_occupied_workspace_is_never_collected(ctx, make, later):
    made = make("busy")
    with occupancy.occupied(ctx, made, "somebody"):
        later.wait(30 * 24 * 3600)
        (deed,) = [one for one in retention.collect(ctx) if one.action == "remove"]
        assert not deed.done
        assert "somebody" in deed.detail
    assert reread(ctx, made).state is State.ACTIVE


def test_the_trash_is_emptied_when_its_time_is_over(ctx, make, later):
    made = make("gone")
    write(made, "x.txt")
    cleanup.remove(ctx, made)
    folder = cleanup.trash_folder(ctx, made)
    assert os.path.isdir(folder)
    later.wait(73 * 3600)
    assert [d.action for d in retention.collect(ctx) if d.subject == "gone"] == ["purge"]
    assert reread(ctx, made).state is State.REMOVED
    with pytest.raises(NotFoundError):
        cleanup.restore_from_trash(ctx, "gone")


def test_no_trash_means_at_once(ctx, make):
    ctx.config = replace(ctx.config, retention=Retention(trash=timedelta()))
    made = make("gone")
    cleanup.remove(ctx, made)
    assert reread(ctx, made).state is State.REMOVED


@pytest.mark.real
def test_layers_nobody_stands_on_are_dropped(ctx, make, repository):
    first = make("one")
    layers = ctx.layers(projects.find(ctx, None))
    if not layers.all():
        pytest.skip("needs a driver with layers: see `carrel doctor`")
    repository.write("src/new.txt", "new\n")
    repository.commit("on")
    second = make("two")
    assert {layer.commit for layer in layers.all()} == {first.layer, second.layer}
    ctx.config = replace(ctx.config, retention=Retention(trash=timedelta()))
    cleanup.remove(ctx, second)
    told = [deed for deed in retention.collect(ctx) if deed.action == "drop layer"]
    assert len(told) == 1
    assert told[0].bytes_freed > 0
    assert {layer.commit for layer in layers.all()} == {first.layer}


def test_a_round_saves_what_was_not_saved_for_long(ctx, make, later):
    made = make("agent")
    write(made, "x.txt")
    assert [deed for deed in retention.tend(ctx) if deed.action == "checkpoint"] == []
    later.wait(31 * 60)
    (deed,) = [one for one in retention.tend(ctx) if one.action == "checkpoint"]
    assert deed.done
    assert [row.reason for row in checkpoints.listing(ctx, made)] == ["auto"]


@pytest.mark.real
def test_a_tree_that_is_not_mounted_comes_back(ctx, make):
    made = make("agent")
    write(made, "x.txt")
    driver, place = ctx.driver(made), ctx.place(made)
    if not driver.capabilities.mounts:
        pytest.skip("needs a driver that mounts: see `carrel doctor`")
    driver.withdraw(place)
    assert not os.path.exists(f"{place.tree}/x.txt")
    assert [one.kind for one in reconcile(ctx, dry_run=True)] == ["not_mounted"]
    after_boot(ctx)
    assert os.path.exists(f"{place.tree}/x.txt")
    assert reconcile(ctx) == []


def test_a_workspace_whose_folder_is_gone_keeps_its_last_checkpoint(ctx, make, repository):
    made = make("agent")
    write(made, "x.txt")
    saved = checkpoints.checkpoint(ctx, made, iteration=1)
    ctx.driver(made).withdraw(ctx.place(made))
    shutil.rmtree(made.home)
    (finding,) = reconcile(ctx)
    assert (finding.kind, finding.applied) == ("tree_gone", True)
    assert reread(ctx, made).state is State.REMOVED
    vault = f"{ctx.project_home(made.project_id)}/vault.git"
    kept = repository.git(
        f"--git-dir={vault}", "rev-parse", f"refs/carrel/kept/{made.workspace_id}"
    )
    assert kept == saved.commit_sha


def test_a_strange_folder_is_put_aside_and_not_deleted(ctx, make):
    make("agent")
    strange = Path(ctx.config.workspace_root) / "ws-stranger"
    strange.mkdir()
    (strange / "work.txt").write_text("whose?\n")
    (finding,) = reconcile(ctx)
    assert finding.kind == "unknown_folder"
    aside = Path(ctx.config.workspace_root) / ".trash" / "ws-stranger" / "work.txt"
    assert aside.read_text() == "whose?\n"


def test_a_strange_folder_that_somebody_uses_is_left_alone(ctx, make):
    make("agent")
    strange = Path(ctx.config.workspace_root) / "ws-stranger"
    (strange / "tree").mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=strange / "tree") as sitting:
        try:
            (finding,) = reconcile(ctx)
        finally:
            sitting.kill()
    assert (finding.kind, finding.applied) == ("unknown_folder", False)
    assert f"process {sitting.pid} (sleep 60) works in the tree" in finding.detail
    assert strange.is_dir()


@pytest.mark.real
def test_a_strange_folder_with_a_mount_in_it_is_left_alone(ctx, make):
    made = make("agent")
    if made.driver != "overlay":
        pytest.skip("needs root, to mount")
    with ctx.store.writing() as tx:
        tx.save_workspace(replace(made, workspace_id=made.workspace_id, state=State.REMOVED))
    strange = Path(ctx.config.workspace_root) / "ws-stranger"
    ctx.driver(made).withdraw(ctx.place(made))
    Path(made.home).rename(strange)
    place = replace(ctx.place(made), home=str(strange))
    ctx.driver(made).present(place, workspaces.lowers(ctx, made))
    try:
        (finding,) = reconcile(ctx)
        assert not finding.applied
        assert f"mounted at {strange}/tree" in finding.detail
        assert (strange / "tree/README.md").exists()
    finally:
        ctx.driver(made).withdraw(place)
    (finding,) = reconcile(ctx)
    assert (finding.kind, finding.applied) == ("unknown_folder", True)


def test_the_lock_of_a_killed_git_is_swept_first(ctx, make):
    made = make("agent")
    write(made, "x.txt")
    home = ctx.project_home(made.project_id)
    lock = Path(f"{home}/vault.git/refs/carrel/ws/{made.workspace_id}/head.lock")
    lock.touch()
    past = lock.stat().st_mtime - 3_600
    os.utime(lock, (past, past))
    with pytest.raises(FailedError, match="carrel reconcile") as caught:
        checkpoints.checkpoint(ctx, made)
    assert caught.value.code == "repository_locked"
    assert [one.applied for one in reconcile(ctx, dry_run=True)] == [False]
    assert lock.exists()
    (finding,) = reconcile(ctx)
    assert (finding.kind, finding.applied) == ("stale_lock", True)
    assert checkpoints.checkpoint(ctx, made).files_changed == 1


def test_a_workspace_that_is_made_meanwhile_is_no_stranger(ctx, make, monkeypatch):
    make("first")

    def somebody_else_is_quick(ctx, workspace):
        make("second")
        return reread(ctx, workspace)

    monkeypatch.setattr("carrel.control.reconcile.reread", somebody_else_is_quick)
    assert reconcile(ctx) == []
    assert os.path.isdir(make("second").home)


def test_a_folder_that_is_gone_is_named_and_nothing_takes_its_place(ctx, make):
    made = make("agent")
    ctx.driver(made).withdraw(ctx.place(made))
    shutil.rmtree(made.home)
    with pytest.raises(CarrelError) as caught:
        workspaces.path(ctx, made)
    assert caught.value.code == "tree_missing"
    assert "carrel reconcile" in caught.value.cure
    assert not os.path.lexists(made.home)
    assert [one.applied for one in reconcile(ctx)] == [True]
    assert not os.path.lexists(made.home)


def test_a_dead_lease_is_given_back(ctx, make):
    made = make("agent")
    lease = occupancy.acquire(ctx, made, "dead")
    with ctx.store.writing() as tx:
        tx.put_lease(replace(lease, pid=2**22 + 1))  # no such process
    assert [one.kind for one in reconcile(ctx)] == ["dead_lease"]
    with ctx.store.reading() as tx:
        assert tx.lease(made.workspace_id) is None


@pytest.mark.parametrize(
    "driver",
    [
        *(pytest.param(one, marks=pytest.mark.real) for one in ("overlay", "fuse_overlay")),
        "checkout",
    ],
)
def test_ignored_files_are_copied_and_shared_by_pattern(ctx, make, repository, driver):
    probes = {rung.name: rung.probe for rung in ctx.ladder.explain(str(repository.path.parent))}
    if not probes[driver].works:
        pytest.skip(f"{driver}: {probes[driver].why} {probes[driver].cure}")
    repository.write(".gitignore", "*.log\nbuild/\n.env\nnode_modules/\n")
    repository.commit("ignore more")
    repository.write(".env", "SECRET=1\n")
    repository.write("node_modules/left-pad/index.js", "x\n")
    repository.write("noise.log", "not asked for\n")
    ctx.config = replace(ctx.config, copy=(".env",), share=("node_modules",))
    made = make("agent", driver=driver)
    tree = Path(made.working_directory)
    assert (tree / ".env").read_text() == "SECRET=1\n"
    assert (tree / "node_modules").is_symlink()
    assert (tree / "node_modules/left-pad/index.js").read_text() == "x\n"
    assert not (tree / "noise.log").exists()
    (tree / ".env").write_text("SECRET=2\n")
    assert (repository.path / ".env").read_text() == "SECRET=1\n"
    assert repository.git("status", "--porcelain", cwd=tree) == ""
    assert checkpoints.checkpoint(ctx, made, iteration=1).files_changed == 0


def test_the_project_that_is_meant(ctx, make, repository, tmp_path):
    with pytest.raises(NotFoundError):
        projects.find(ctx, "nothing")
    only = projects.find(ctx, None)
    assert only.name == "project"
    other = tmp_path / "other"
    shutil.copytree(repository.path, other)
    second = projects.register(ctx, str(other))
    with pytest.raises(BadInputError) as caught:
        projects.find(ctx, None, cwd="/")
    assert caught.value.code == "which_project"
    assert projects.find(ctx, None, cwd=str(other / "src")) == second
    made = workspaces.create(ctx, workspaces.Request(agent_id="a", project="other"))
    assert projects.find(ctx, None, cwd=made.working_directory) == second
    assert projects.register(ctx, str(other / "src")) == second


def test_the_trash_does_not_lead_past_a_limit(ctx, make):
    first = make("one")
    cleanup.remove(ctx, first)
    make("two")
    ctx.config = replace(ctx.config, limits=replace(ctx.config.limits, max_count=1))
    with pytest.raises(LimitError):
        cleanup.restore_from_trash(ctx, "one")
    assert reread(ctx, first).state is State.TRASHED
    assert reconcile(ctx, dry_run=True) == []


def test_a_process_id_that_another_process_got_holds_nothing(ctx, make):
    made = make("agent")
    lease = occupancy.acquire(ctx, made, "before the reboot")
    long_ago = lease.heartbeat_at - timedelta(days=1000)
    with ctx.store.writing() as tx:
        tx.put_lease(replace(lease, heartbeat_at=long_ago))  # this very process is younger
    occupancy.release(ctx, occupancy.acquire(ctx, made, "after it"))


def test_what_lives_on_another_machine_is_not_judged(ctx, make, later, tmp_path):
    made = make("there")
    cleanup.remove(ctx, made)
    make("open-there")
    elsewhere = replace(ctx.config, home=str(tmp_path / "elsewhere"))
    ctx.config = replace(elsewhere, workspace_root=str(tmp_path / "elsewhere/workspaces"))
    ctx.close()
    later.wait(365 * 24 * 3600)
    assert [one for one in reconcile(ctx) if one.kind != "left_probe"] == []
    assert [one for one in retention.collect(ctx) if one.action != "drop layer"] == []
    assert reread(ctx, made).state is State.TRASHED


def test_a_parent_stays_as_long_as_its_children(ctx, make, later):
    make("parent")
    make("child", parent="parent")
    later.wait(30 * 24 * 3600)
    assert [one.subject for one in retention.collect(ctx) if one.action == "remove"] == ["child"]
    assert [one.subject for one in retention.collect(ctx) if one.action == "remove"] == ["parent"]
