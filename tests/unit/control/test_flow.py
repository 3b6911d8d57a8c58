"""The whole way of a workspace: create, checkpoint, compare, merge, occupy."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.control.files import read, write

from carrel.control import changes, checkpoints, cleanup, ledger, merging, occupancy, workspaces
from carrel.control.finding import find, reread
from carrel.control.merging import MergeRequest
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.workspaces import Outcome, State
from carrel.errors import BadInputError, CarrelError, LimitError, NotFoundError, RefusedError


def test_a_workspace_stands_on_a_real_branch_of_its_own(make, repository):
    made = make("agent-1")

    def inside(*arguments):
        return repository.git(*arguments, cwd=made.working_directory)

    assert inside("rev-parse", "--abbrev-ref", "HEAD") == "carrel/agent-1" == made.branch_name
    assert inside("rev-parse", "HEAD") == repository.git("rev-parse", "main") == made.parent_commit
    assert inside("status", "--porcelain") == ""
    assert inside("log", "--oneline", "origin/main")


def test_creating_again_in_equal_words_returns_the_same(make):
    assert make("agent-1").workspace_id == make("AGENT-1").workspace_id


def test_creating_again_in_other_words_names_the_difference(make, repository):
    repository.git("branch", "other")
    make("agent-1")
    with pytest.raises(RefusedError, match="other") as caught:
        make("agent-1", branch="other")
    assert caught.value.code == "workspace_differs"


def test_a_container_is_refused_and_nothing_is_made(ctx, make):
    with pytest.raises(RefusedError) as caught:
        make("agent-1", use_docker=True)
    assert caught.value.code == "no_container_backend"
    assert workspaces.listing(ctx, everything=True) == []


@pytest.mark.parametrize(
    "name", ["", "-x", "a/b", "a..b", "x.lock", "a b", "é", "../up", "a\n", None, 7]
)
def test_bad_names_are_refused(make, name):
    with pytest.raises(BadInputError) as caught:
        make(name)
    assert caught.value.code == "bad_name"


def test_a_missing_branch_is_a_clear_error(ctx, make):
    with pytest.raises(NotFoundError, match="nowhere"):
        make("agent-1", branch="nowhere")
    assert workspaces.listing(ctx, everything=True) == []


def test_limits_are_enforced(ctx, make, monkeypatch):
    make("agent-0")
    small = ctx.config.limits.__class__(max_count=1, max_depth=0, disk_threshold_gb=0)
    object.__setattr__(ctx.config, "limits", small)
    with pytest.raises(LimitError) as caught:
        make("agent-1")
    assert caught.value.code == "max_count"


def test_a_child_inherits_what_its_parent_has_not_committed(make, repository):
    parent = make("parent")
    write(parent, "new.txt", "uncommitted\n")
    write(parent, "src/a.txt", "one\nTWO\nthree\n")
    (Path(parent.working_directory) / "src/b.txt").unlink()
    child = make("child", parent="parent")
    assert child.depth == 1
    assert read(child, "new.txt") == "uncommitted\n"
    assert read(child, "src/a.txt") == "one\nTWO\nthree\n"
    assert not (Path(child.working_directory) / "src/b.txt").exists()
    assert repository.git("status", "--porcelain", cwd=child.working_directory) == ""
    assert repository.git("fsck", cwd=child.working_directory) == ""


def test_a_ticket_is_found_by_its_bare_id(ctx, make):
    made = make("ticket-42")
    assert find(ctx, "42").workspace_id == made.workspace_id
    assert make("ticket-43", parent="42").parent_id == made.workspace_id
    assert make("ticket-44", parent=42).parent_id == made.workspace_id  # as an application has it


def test_a_checkpoint_touches_nothing_of_the_agent(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "changed\n")
    write(made, "untracked.txt", "new\n")
    write(made, "noise.log", "ignored\n")
    before = repository.git("status", "--porcelain", cwd=made.working_directory)
    head = repository.git("rev-parse", "HEAD", cwd=made.working_directory)
    info = checkpoints.checkpoint(ctx, made, iteration=1)
    assert info.files_changed == 2
    assert not info.empty
    assert repository.git("status", "--porcelain", cwd=made.working_directory) == before
    assert repository.git("rev-parse", "HEAD", cwd=made.working_directory) == head
    vault = Path(made.home).parent.parent / "projects" / made.project_id / "vault.git"
    names = repository.git(
        f"--git-dir={vault}", "ls-tree", "-r", "--name-only", info.commit_sha
    ).splitlines()
    assert names == [".gitignore", "README.md", "src/a.txt", "src/b.txt", "untracked.txt"]


def test_an_iteration_is_recorded_once_and_may_be_empty(ctx, make):
    made = make("agent-1")
    first = checkpoints.checkpoint(ctx, made, iteration=1)
    assert first.empty
    assert first.files_changed == 0
    write(made, "later.txt", "x\n")
    assert checkpoints.checkpoint(ctx, made, iteration=1) == first
    second = checkpoints.checkpoint(ctx, made, iteration=2, message="Mine")
    assert (second.files_changed, second.message) == (1, "Mine")


def test_changes_see_committed_and_uncommitted(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "one\n2\nthree\n")
    repository.git("commit", "-q", "-am", "mine", cwd=made.working_directory)
    write(made, "new.txt", "n\n")
    (Path(made.working_directory) / "src/b.txt").unlink()
    told = changes.changes(ctx, made, diff=True)
    assert told.files_created == ["new.txt"]
    assert told.files_modified == ["src/a.txt"]
    assert told.files_deleted == ["src/b.txt"]
    assert told.total_changes == 3
    assert told.stats["insertions"] == 2
    assert "+2" in (told.detailed_diff or "")
    since = changes.changes(
        ctx, made, since=repository.git("rev-parse", "HEAD", cwd=made.working_directory)
    )
    assert since.files_modified == []


@pytest.mark.parametrize("name", ["main", "HEAD~1", "start", "1", "iteration:7"])
def test_changes_are_compared_with_whatever_a_person_names(ctx, make, repository, name):
    made = make("agent-1")
    first = checkpoints.checkpoint(ctx, made, iteration=7).commit_sha
    write(made, "own.txt", "x\n")
    repository.git("add", "-A", cwd=made.working_directory)
    repository.git("commit", "-q", "-m", "mine", cwd=made.working_directory)
    repository.write("theirs.txt", "y\n")
    moved = repository.commit()  # `main` is the project's branch as it is now
    told = changes.changes(ctx, made, since=name)
    assert told.files_created == ["own.txt"]
    assert told.files_deleted == (["theirs.txt"] if name == "main" else [])
    commits = {"main": moved, "1": first, "iteration:7": first}
    assert told.since_commit == commits.get(name, made.parent_commit)


def test_changes_since_nothing_known_are_refused(ctx, make):
    made = make("agent-1")
    for name, code in (("nope", "unknown_revision"), ("a\nb", "bad_revision")):
        with pytest.raises(CarrelError) as caught:
            changes.changes(ctx, made, since=name)
        assert caught.value.code == code


def test_restore_goes_back_and_saves_what_was_there(ctx, make):
    made = make("agent-1")
    write(made, "src/a.txt", "first\n")
    checkpoints.checkpoint(ctx, made, iteration=1)
    write(made, "src/a.txt", "second\n")
    write(made, "extra.txt", "extra\n")
    write(made, "noise.log", "stays\n")
    restored = checkpoints.restore(ctx, made, "1")
    assert read(made, "src/a.txt") == "first\n"
    assert not (Path(made.working_directory) / "extra.txt").exists()
    assert read(made, "noise.log") == "stays\n"
    checkpoints.restore(ctx, made, restored.saved.commit_sha[:10])
    assert read(made, "src/a.txt") == "second\n"
    assert read(made, "extra.txt") == "extra\n"


def test_a_merge_lands_in_the_users_repository(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "merged\n")
    write(made, "new.txt", "n\n")
    result = merging.merge(ctx, made, MergeRequest())
    assert (result.status, result.merged_to) == ("success", "main")
    assert repository.git("rev-parse", "main") == result.commit_sha
    assert repository.tree("main")["src/a.txt"] == "merged"
    assert (repository.path / "new.txt").read_text() == "n\n"  # main is checked out and clean
    assert repository.git("status", "--porcelain") == ""
    assert reread(ctx, made).outcome is Outcome.MERGED
    again = merging.merge(ctx, made, MergeRequest())
    assert (again.status, again.commit_sha) == ("success", result.commit_sha)


def test_a_dirty_target_is_refused_and_nothing_changes(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "agent\n")
    repository.write("src/a.txt", "person\n")
    before = repository.git("rev-parse", "main")
    with pytest.raises(RefusedError):
        merging.merge(ctx, made, MergeRequest())
    assert repository.git("rev-parse", "main") == before
    assert (repository.path / "src/a.txt").read_text() == "person\n"


def test_conflicts_are_settled_and_the_loser_is_kept(ctx, make, repository):
    one, two = make("one"), make("two")
    write(one, "src/a.txt", "by one\n")
    write(two, "src/a.txt", "by two\n")
    merging.merge(ctx, one, MergeRequest())
    result = merging.merge(ctx, two, MergeRequest(rules=Rules(default=Strategy.CHILD)))
    assert result.status == "conflict_resolved"
    assert result.conflicts_resolved == ["src/a.txt"]
    assert result.resolution_strategy == "child"
    assert repository.tree("main")["src/a.txt"] == "by two"
    (settled,) = result.settlements
    vault = f"{ctx.project_home(two.project_id)}/vault.git"
    kept = repository.git(f"--git-dir={vault}", "show", f"{settled.kept_ref}:src/a.txt")
    assert kept == "by one"
    with ctx.store.reading() as tx:
        assert len(tx.settlements(two.workspace_id)) == 1


def test_conflicts_may_be_left_to_a_person(ctx, make, repository):
    one, two = make("one"), make("two")
    write(one, "src/a.txt", "by one\n")
    write(two, "src/a.txt", "by two\n")
    merging.merge(ctx, one, MergeRequest())
    before = repository.git("rev-parse", "main")
    result = merging.merge(ctx, two, MergeRequest(rules=Rules(default=Strategy.FAIL)))
    assert result.status == "conflicts_left"
    assert result.conflicts_left == ("src/a.txt",)
    assert repository.git("rev-parse", "main") == before


def test_a_dry_run_changes_nothing(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "x\n")
    before = repository.git("rev-parse", "main")
    assert merging.merge(ctx, made, MergeRequest(dry_run=True)).status == "success"
    assert repository.git("rev-parse", "main") == before
    assert reread(ctx, made).outcome is Outcome.OPEN


def test_a_dry_run_says_that_the_target_is_in_somebodys_hands(ctx, make, repository):
    made = make("agent-1")
    write(made, "src/a.txt", "x\n")
    repository.write("src/a.txt", "half done\n")
    for dry_run in (True, False):
        with pytest.raises(RefusedError) as caught:
            merging.merge(ctx, made, MergeRequest(dry_run=dry_run))
        assert (caught.value.code, "'src/a.txt'" in caught.value.why) == ("target_dirty", True)


def test_a_child_merges_into_its_parents_workspace(ctx, make, repository):
    parent = make("parent")
    write(parent, "p.txt", "p\n")
    child = make("child", parent="parent")
    write(child, "c.txt", "c\n")
    write(parent, "p2.txt", "later\n")
    result = merging.merge(ctx, child, MergeRequest())
    assert (result.status, result.merged_to) == ("success", parent.branch_name)
    assert read(parent, "c.txt") == "c\n"
    assert read(parent, "p2.txt") == "later\n"
    head = repository.git("rev-parse", "HEAD", cwd=parent.working_directory)
    assert head == result.commit_sha
    assert repository.git("status", "--porcelain", cwd=parent.working_directory) == ""
    assert repository.git("fsck", cwd=parent.working_directory) == ""


def test_an_occupied_parent_is_left_alone(ctx, make):
    parent = make("parent")
    child = make("child", parent="parent")
    write(child, "c.txt", "c\n")
    with occupancy.occupied(ctx, parent, "somebody"):
        with pytest.raises(RefusedError) as caught:
            merging.merge(ctx, child, MergeRequest())
        assert caught.value.code == "workspace_occupied"
        assert not (Path(parent.working_directory) / "c.txt").exists()
    assert merging.merge(ctx, child, MergeRequest()).status == "success"


def test_every_step_is_in_the_ledger_and_its_chain_holds(ctx, make):
    made = make("agent-1")
    write(made, "x.txt", "x\n")
    merging.merge(ctx, made, MergeRequest())
    cleanup.remove(ctx, made)
    actions = [event.action for event in ledger.events(ctx, subject=made.workspace_id)]
    assert actions == [
        "workspace.created",
        "workspace.checkpointed",
        "merge.landed",
        "workspace.removing",
        "workspace.trashed",
    ]
    assert ledger.verify(ctx).broken_at is None


def test_a_program_that_outlived_its_holder_still_occupies(ctx, make):
    made = make("agent-1")
    lease = occupancy.acquire(ctx, made, "killed")
    with ctx.store.writing() as tx:
        tx.put_lease(replace(lease, pid=2**22 + 1))  # no such process
    with subprocess.Popen(["sleep", "60"], cwd=made.working_directory) as left:
        try:
            with pytest.raises(RefusedError, match=str(left.pid)):
                occupancy.acquire(ctx, made, "next")
        finally:
            left.kill()
    occupancy.acquire(ctx, made, "next")


@pytest.mark.parametrize(
    "driver",
    [
        pytest.param(
            "overlay",
            marks=[
                pytest.mark.real,
                pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root"),
            ],
        ),
        "checkout",
    ],
)
def test_a_commit_that_git_will_not_write_is_told_alike_by_every_driver(
    ctx, make, repository, driver
):
    config = repository.git("hash-object", "-w", "README.md")
    (repository.path / "trees").write_text(f"100644 blob {config}\tconfig\n")
    with (repository.path / "trees").open() as feed:
        inner = subprocess.check_output(
            ["git", "mktree"], stdin=feed, cwd=repository.path, text=True
        )
    (repository.path / "trees").write_text(f"040000 tree {inner.strip()}\t.git\n")
    with (repository.path / "trees").open() as feed:
        tree = subprocess.check_output(
            ["git", "mktree"], stdin=feed, cwd=repository.path, text=True
        )
    bad = repository.git("commit-tree", tree.strip(), "-m", "bad")
    repository.git("update-ref", "refs/heads/bad", bad)
    with pytest.raises(CarrelError) as caught:
        make("agent-1", branch="bad", driver=driver)
    assert (caught.value.code, bad in caught.value.what) == ("layer_failed", True)
    assert workspaces.listing(ctx) == []


def test_an_iteration_tells_again_what_it_left_out(ctx, make):
    made = make("agent-1")
    os.mkfifo(Path(made.working_directory, "pipe"))
    first = checkpoints.checkpoint(ctx, made, iteration=1)
    assert [path for path, _ in first.skipped] == ["pipe"]
    assert checkpoints.checkpoint(ctx, made, iteration=1) == first


@pytest.mark.parametrize("iteration", ["1", 1.0, True, -1])
def test_what_is_no_iteration_is_refused(ctx, make, iteration):
    with pytest.raises(BadInputError) as caught:
        checkpoints.checkpoint(ctx, make("agent-1"), iteration=iteration)
    assert (caught.value.code, repr(iteration) in caught.value.what) == ("bad_iteration", True)


def test_nobody_is_said_to_sit_in_the_trash(ctx, make):
    made = make("agent-1")
    with occupancy.occupied(ctx, made, "agent"):
        assert workspaces.view(ctx, made)["lease"] is not None
        gone = replace(made, state=State.TRASHED)
        assert workspaces.view(ctx, gone)["lease"] is None
