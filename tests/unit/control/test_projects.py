"""Which project is meant, when there are several."""

from pathlib import Path

import pytest

from carrel.control import cleanup, merging, projects, workspaces
from carrel.control.merging import MergeRequest
from carrel.control.workspaces import Request
from carrel.errors import BadInputError, RefusedError


@pytest.fixture
def other(ctx, make, repository):
    """A second project, whose repository lies in a folder of the first one's."""
    path = repository.path / "vendor/project"
    repository.git("init", "-q", "-b", "main", str(path))
    repository.git("commit", "-q", "--allow-empty", "-m", "start", cwd=path)
    return projects.for_source(ctx, str(path))


def test_a_repository_whose_name_is_taken_gets_a_number(ctx, other, repository):
    assert other.name == "project-2"
    assert projects.for_source(ctx, str(repository.path)).name == "project"
    assert projects.for_source(ctx, other.source) == other


def test_a_name_that_is_taken_is_refused_where_another_can_be_chosen(ctx, make, repository):
    path = repository.path / "elsewhere/project"
    repository.git("init", "-q", "-b", "main", str(path))
    repository.git("commit", "-q", "--allow-empty", "-m", "start", cwd=path)
    with pytest.raises(RefusedError) as caught:
        projects.register(ctx, str(path))
    assert caught.value.code == "project_exists"
    assert len(projects.listing(ctx)) == 1


def test_of_repositories_in_each_other_the_innermost_is_meant(ctx, other, repository):
    inside = repository.path / "vendor/project/sub"
    inside.mkdir()
    assert projects.find(ctx, None, cwd=str(inside)) == other
    assert projects.find(ctx, None, cwd=str(inside.parent.parent)).name == "project"


def test_in_a_workspace_its_project_is_meant(ctx, other):
    made = workspaces.create(ctx, Request(agent_id="a", project=other.name))
    assert projects.find(ctx, None, cwd=made.working_directory) == other


def test_a_workspace_of_another_project_is_not_what_was_asked_for(ctx, other, repository):
    made = workspaces.create(ctx, Request(agent_id="a", cwd=other.source.removesuffix("/.git")))
    assert made.project_id == other.project_id
    assert workspaces.create(ctx, Request(agent_id="a", cwd="/")) == made
    with pytest.raises(RefusedError, match="project") as caught:
        workspaces.create(ctx, Request(agent_id="a", cwd=str(repository.path)))
    assert caught.value.code == "workspace_differs"


def test_a_child_belongs_to_its_parents_project(ctx, other, repository):
    parent = workspaces.create(ctx, Request(agent_id="parent", project=other.name))
    for cwd in ("/", str(repository.path)):
        child = workspaces.create(ctx, Request(agent_id="child", parent="parent", cwd=cwd))
        assert child.project_id == parent.project_id


def test_a_branch_that_leaves_no_room_is_gone_round(ctx, make, repository):
    repository.git("branch", "carrel")
    made = make("agent-1")
    assert made.branch_name == "carrel-agent-1"
    assert make("agent-2").branch_name == "carrel-agent-2"
    assert cleanup.remove(ctx, made).branch_name == "carrel-agent-1"
    assert "carrel-agent-1" in repository.git("branch", "--format=%(refname:short)").split()
    repository.git("pack-refs", "--all")
    assert make("agent-1").branch_name == "carrel-agent-1-2"


def test_a_branch_that_is_another_name_of_one_is_never_moved(ctx, make, repository):
    repository.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    made = make("agent-1", branch="alias")
    (Path(made.working_directory) / "new.txt").write_text("x\n")
    tip = repository.git("rev-parse", "main")
    with pytest.raises(BadInputError, match="main") as caught:
        merging.merge(ctx, made, MergeRequest(into="alias"))
    assert caught.value.code == "branch_symbolic"
    assert repository.git("rev-parse", "main") == tip
    assert merging.merge(ctx, made, MergeRequest()).merged_to == "main"
    assert repository.git("status", "--porcelain") == ""
