"""Branches that an occupant made, when its workspace is removed without a branch."""

from pathlib import Path

import pytest

from carrel.control import cleanup, merging
from carrel.control.merging import MergeRequest
from carrel.domain.workspaces import State
from carrel.errors import RefusedError


@pytest.fixture
def made(make, repository):
    """A workspace whose present state has nothing, while its branch `topic` has a commit."""
    made = make("agent-1")
    tree = made.working_directory
    repository.git("checkout", "-q", "-b", "topic", cwd=tree)
    (Path(tree) / "topic.txt").write_text("x\n")
    repository.git("add", "topic.txt", cwd=tree)
    repository.git("commit", "-q", "-m", "on a branch of its own", cwd=tree)
    repository.git("checkout", "-q", made.branch_name, cwd=tree)
    return made


def test_one_with_work_of_its_own_stops_a_removal(ctx, made):
    with pytest.raises(RefusedError, match="topic") as caught:
        cleanup.remove(ctx, made, preserve_branch=False)
    assert caught.value.code == "unmerged_work"
    removal = cleanup.remove(ctx, made, preserve_branch=False, discard=True)
    assert removal.workspace.state is State.TRASHED


def test_one_whose_work_is_elsewhere_stops_nothing(ctx, made, repository):
    repository.git("merge", "-q", "--no-ff", "-m", "m", "topic", cwd=made.working_directory)
    repository.git("branch", "again", "HEAD~1", cwd=made.working_directory)
    merging.merge(ctx, made, MergeRequest())
    removal = cleanup.remove(ctx, made, preserve_branch=False)
    assert removal.workspace.state is State.TRASHED
