"""Merging with a push, again and again, while others push too."""

import re

import pytest
from tests.unit.control.files import write

from carrel.control import merging, projects, workspaces
from carrel.control.merging import MergeRequest
from carrel.errors import RefusedError

PUSH = MergeRequest(push=True)


@pytest.fixture
def remote(ctx, repository, tmp_path):
    """A bare repository that is registered by URL, and somebody else's clone of it."""
    bare = tmp_path / "remote.git"
    repository.git("clone", "-q", "--bare", str(repository.path), str(bare))
    repository.git("remote", "add", "origin", str(bare))
    projects.register(ctx, f"file://{bare}")
    return bare


def test_the_cure_for_parted_branches_works_each_time(ctx, repository, remote):
    for number in (1, 2):
        name = f"agent-{number}"
        made = workspaces.create(ctx, workspaces.Request(agent_id=name))
        write(made, f"{name}.txt", "mine\n")
        merging.merge(ctx, made, MergeRequest())  # it stays here
        repository.write(f"theirs-{number}.txt", "theirs\n")
        repository.git("pull", "-q", "--no-rebase", "origin", "main")
        repository.commit("theirs")
        repository.git("push", "-q", "origin", "main")
        for _ in range(2):  # as safe the second time
            with pytest.raises(RefusedError) as caught:
                merging.merge(ctx, made, PUSH)
            assert caught.value.code == "branch_parted"
        found = re.search(r"carrel new (\S+) --from (\S+)'", caught.value.cure)
        assert found
        join = workspaces.create(ctx, workspaces.Request(agent_id=found[1], branch=found[2]))
        merging.merge(ctx, join, MergeRequest(into="main"))
        assert merging.merge(ctx, made, PUSH).pushed
        names = repository.git(f"--git-dir={remote}", "ls-tree", "--name-only", "main")
        assert {f"{name}.txt", f"theirs-{number}.txt"} <= set(names.splitlines())


def test_what_is_merged_is_pushed_again_harmlessly_after_the_remote_moved(ctx, repository, remote):
    made = workspaces.create(ctx, workspaces.Request(agent_id="agent-1"))
    write(made, "mine.txt", "mine\n")
    assert merging.merge(ctx, made, PUSH).pushed
    repository.git("pull", "-q", "--no-rebase", "origin", "main")
    repository.write("theirs.txt", "theirs\n")
    theirs = repository.commit("theirs")
    repository.git("push", "-q", "origin", "main")
    for _ in range(2):
        again = merging.merge(ctx, made, PUSH)
        assert (again.status, again.pushed, again.commit_sha) == ("success", True, theirs)
    assert repository.git(f"--git-dir={remote}", "rev-parse", "main") == theirs
