"""Which project is meant, what can be one, and taking one off the list."""

from pathlib import Path

import pytest
from tests.unit.control.files import write

from carrel.control import cleanup, merging, projects, retention, workspaces
from carrel.control.merging import MergeRequest
from carrel.control.unregistering import unregister
from carrel.control.workspaces import Request
from carrel.domain.workspaces import State
from carrel.errors import BadInputError, NotFoundError, RefusedError
from carrel.git.storing import upstream


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


@pytest.mark.parametrize("driver", ["auto", "checkout"])
def test_a_workspace_is_no_project_and_the_cure_works(ctx, make, repository, driver):
    made = make("agent-1", driver=driver)
    nested = Path(made.working_directory) / "nested"
    repository.git("init", "-q", str(nested))
    for folder in (made.working_directory, nested):
        for attempt in (projects.register, projects.for_source):
            with pytest.raises(RefusedError, match="agent-1, a workspace of project") as caught:
                attempt(ctx, str(folder))
            assert caught.value.code == "inside_carrel"
    assert "'carrel new NAME --parent agent-1'" in caught.value.cure
    assert [one.name for one in projects.listing(ctx)] == ["project"]
    assert make("agent-2", parent="agent-1", cwd=str(nested)).parent_id == made.workspace_id


def test_a_store_is_no_project(ctx, make):
    home = projects.listing(ctx)[0].home
    with pytest.raises(RefusedError) as caught:
        projects.register(ctx, f"{home}/vault.git")
    assert caught.value.code == "inside_carrel"


def test_a_project_is_taken_off_the_list_and_nothing_of_it_is_lost(ctx, make, repository):
    before = repository.git("for-each-ref"), repository.git("status", "--porcelain")
    made = make("agent-1")
    write(made, "precious.txt", "p\n")
    with pytest.raises(RefusedError, match="agent-1") as caught:
        unregister(ctx, "project")
    assert (caught.value.code, "'carrel rm NAME'" in caught.value.cure) == ("project_in_use", True)
    cleanup.remove(ctx, made, preserve_branch=False, discard=True)
    with pytest.raises(RefusedError, match="agent-1") as caught:
        unregister(ctx, "project", dry_run=True)
    assert (caught.value.code, "trash empty" in caught.value.cure) == ("project_in_use", True)
    retention.empty_trash(ctx)
    assert unregister(ctx, "PROJECT", dry_run=True).bytes_freed > 0
    assert len(projects.listing(ctx)) == 1
    gone = unregister(ctx, "project")
    assert gone.bytes_freed > 0
    assert projects.listing(ctx) == []
    assert (repository.git("for-each-ref"), repository.git("status", "--porcelain")) == before
    kept = f"refs/carrel/kept/{made.workspace_id}:precious.txt"
    assert repository.git(f"--git-dir={gone.kept_in}/vault.git", "show", kept) == "p"
    shown = workspaces.view(ctx, workspaces.listing(ctx, everything=True)[0])
    assert shown["project"] == gone.project.project_id
    with pytest.raises(NotFoundError) as missing:
        unregister(ctx, "project")
    assert missing.value.code == "unknown_project"


def test_a_repository_can_be_registered_again(ctx, make, repository):
    unregister(ctx, "project")
    again = projects.register(ctx, str(repository.path))
    assert (again.name, len(projects.listing(ctx))) == ("project", 1)
    assert make("agent-1").project_id == again.project_id


def test_a_workspace_made_meanwhile_keeps_the_project(ctx, make, monkeypatch):
    """The store looks once more, in the transaction that writes."""
    monkeypatch.setattr("carrel.control.unregistering._refuse_in_use", lambda *_: make("late"))
    with pytest.raises(RefusedError) as caught:
        unregister(ctx, "project")
    assert caught.value.code == "project_in_use"
    assert [one.agent_id for one in workspaces.listing(ctx)] == ["late"]


def test_a_workspace_of_a_project_that_went_meanwhile_is_refused(ctx, make, monkeypatch):
    start = upstream.start

    def slowly(*arguments, **more):
        unregister(ctx, "project")
        return start(*arguments, **more)

    monkeypatch.setattr(upstream, "start", slowly)
    with pytest.raises(NotFoundError) as caught:
        make("agent-1")
    assert caught.value.code == "unknown_project"
    assert workspaces.listing(ctx, everything=True) == []


def test_what_was_taken_out_of_the_trash_meanwhile_is_not_deleted(ctx, make):
    made = make("agent-1")
    write(made, "x.txt", "x\n")
    cleanup.remove(ctx, made)
    (trashed,) = cleanup.trash(ctx)
    cleanup.restore_from_trash(ctx, "agent-1")
    with pytest.raises(RefusedError) as caught:
        cleanup.purge_trashed(ctx, trashed)
    assert caught.value.code == "workspace_not_ready"
    assert (Path(made.working_directory) / "x.txt").exists()


def test_the_trash_is_emptied_by_name_or_whole(ctx, make):
    for name in ("one", "two", "three"):
        cleanup.remove(ctx, make(name))
    assert [deed.done for deed in retention.empty_trash(ctx, dry_run=True)] == [False] * 3
    assert [deed.subject for deed in retention.empty_trash(ctx, ["TWO", "two"])] == ["two"]
    assert [one.agent_id for one in cleanup.trash(ctx)] == ["one", "three"]
    assert len(retention.empty_trash(ctx)) == 2
    states = {one.state for one in workspaces.listing(ctx, everything=True)}
    assert states == {State.REMOVED}
    with pytest.raises(NotFoundError):
        retention.empty_trash(ctx, ["one"])
