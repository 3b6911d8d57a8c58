"""The workspace guide, point by point, through the Python interface."""

import inspect
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from carrel import (
    CarrelError,
    CommitInfo,
    DatabaseService,
    MergeResult,
    WorkspaceChanges,
    WorkspaceInfo,
    WorkspaceManagerService,
)

Service = Callable[..., WorkspaceManagerService]

METHODS = {
    "create_workspace": [
        "agent_id", "repo_url", "branch", "parent_id", "use_docker", "host_port",
    ],
    "commit_for_validation": ["agent_id", "iteration", "message"],
    "get_workspace_changes": ["agent_id", "since_commit"],
    "merge_to_parent": ["agent_id", "target_branch"],
    "cleanup_workspace": ["agent_id", "preserve_branch"],
}  # fmt: skip
RESULTS = {
    WorkspaceInfo: ["working_directory", "branch_name", "parent_commit", "workspace_id"],
    CommitInfo: ["commit_sha", "files_changed", "message", "timestamp"],
    WorkspaceChanges: [
        "files_created", "files_modified", "files_deleted", "total_changes", "stats",
        "detailed_diff",
    ],
    MergeResult: [
        "status", "merged_to", "commit_sha", "conflicts_resolved", "resolution_strategy",
        "total_conflicts",
    ],
}  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DRIVER", "checkout")
    monkeypatch.setenv("WORKSPACE_DISK_THRESHOLD_GB", "0")
    made = tmp_path / "repository"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch=main")
    (made / "file").write_text("start\n")
    git(made, "add", "file")
    git(made, "commit", "--quiet", "--message=Start")
    return made


@pytest.fixture
def service(repository: Path) -> Iterator[Service]:
    made: list[WorkspaceManagerService] = []

    def make(db: DatabaseService | None = None, **variables: str) -> WorkspaceManagerService:
        os.environ.update(variables)
        try:
            made.append(WorkspaceManagerService(db))
        finally:
            for name in variables:
                del os.environ[name]
        return made[-1]

    yield make
    for one in made:
        one.close()


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=You", "-c", "user.email=you@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def write(info: WorkspaceInfo, text: str, name: str = "file") -> None:
    (Path(info.working_directory) / name).write_text(text)


@pytest.mark.parametrize("method", METHODS)
def test_the_guides_methods_take_the_guides_arguments_in_its_order(method: str) -> None:
    function = getattr(WorkspaceManagerService, method)
    parameters = inspect.signature(function).parameters.values()
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional == ["self", *METHODS[method]]


@pytest.mark.parametrize("result", RESULTS)
def test_the_guides_results_have_the_guides_fields_first(result: type) -> None:
    names = [field.name for field in fields(result)]
    assert names[: len(RESULTS[result])] == RESULTS[result]


def test_every_answer_has_the_types_that_the_guide_names(
    service: Service, repository: Path
) -> None:
    one = service()
    info = one.create_workspace("agent-123", str(repository), branch="main")
    assert Path(info.working_directory).is_dir()
    assert (info.branch_name, info.parent_commit) == (
        "carrel/agent-123", git(repository, "rev-parse", "main"),
    )  # fmt: skip
    write(info, "start\nmore\n")
    write(info, "new\n", "new")
    commit = one.commit_for_validation("agent-123", 1, message="Own words")
    assert (len(commit.commit_sha), commit.files_changed, commit.message) == (40, 2, "Own words")
    assert isinstance(commit.timestamp, str)
    changes = one.get_workspace_changes("agent-123")
    assert (changes.files_created, changes.files_modified, changes.files_deleted) == (
        ["new"], ["file"], [],
    )  # fmt: skip
    assert (changes.total_changes, changes.stats["insertions"]) == (2, 2)
    assert "+more" in (changes.detailed_diff or "")
    merged = one.merge_to_parent("agent-123", target_branch="main")
    assert (merged.status, merged.merged_to, merged.total_conflicts) == ("success", "main", 0)
    assert merged.commit_sha == git(repository, "rev-parse", "main")
    assert (merged.conflicts_resolved, merged.resolution_strategy) == ([], "newest_file_wins")
    removed = one.cleanup_workspace("agent-123", preserve_branch=True)
    assert (removed["status"], removed["branch_preserved"]) == ("removed", True)
    assert isinstance(removed["disk_space_freed_mb"], int)
    assert git(repository, "rev-parse", "carrel/agent-123")
    assert not Path(info.working_directory).exists()


def test_a_database_service_is_taken_as_in_the_guide(
    service: Service, repository: Path, tmp_path: Path
) -> None:
    db = DatabaseService(f"sqlite:///{tmp_path}/own.db")
    info = service(db).create_workspace("agent-123", str(repository))
    with db.get_session() as session:
        rows = session.execute(text("SELECT agent_id, branch_name FROM agent_workspaces")).all()
    assert [tuple(row) for row in rows] == [("agent-123", info.branch_name)]


@pytest.mark.parametrize("container", [{"use_docker": True}, {"host_port": 8020}])
def test_a_container_is_refused_and_never_silently_local(
    service: Service, repository: Path, container: dict[str, Any]
) -> None:
    one = service()
    with pytest.raises(CarrelError) as caught:
        one.create_workspace("agent-123", str(repository), **container)
    assert caught.value.code == "no_container_backend"
    with pytest.raises(CarrelError, match="agent-123"):
        one.cleanup_workspace("agent-123")


def test_workspace_root_and_worker_dir_say_where_workspaces_live(
    service: Service, repository: Path, tmp_path: Path
) -> None:
    root, worker = str(tmp_path / "root"), str(tmp_path / "worker")
    both = service(WORKSPACE_ROOT=root, WORKSPACE_WORKER_DIR=worker)
    assert both.create_workspace("a", str(repository)).working_directory.startswith(root)
    alone = service(WORKSPACE_WORKER_DIR=worker)
    assert alone.create_workspace("b", str(repository)).working_directory.startswith(worker)


def test_workspace_max_count_is_enforced(service: Service, repository: Path) -> None:
    one = service(WORKSPACE_MAX_COUNT="1")
    one.create_workspace("a", str(repository))
    with pytest.raises(CarrelError) as caught:
        one.create_workspace("b", str(repository))
    assert caught.value.code == "max_count"
    one.cleanup_workspace("a")
    one.create_workspace("b", str(repository))


def test_workspace_max_depth_is_enforced(service: Service, repository: Path) -> None:
    one = service(WORKSPACE_MAX_DEPTH="1")
    one.create_workspace("a", str(repository))
    one.create_workspace("b", parent_id="a")
    with pytest.raises(CarrelError) as caught:
        one.create_workspace("c", parent_id="b")
    assert caught.value.code == "max_depth"


def test_workspace_disk_threshold_is_enforced(service: Service, repository: Path) -> None:
    with pytest.raises(CarrelError) as caught:
        service(WORKSPACE_DISK_THRESHOLD_GB="1e9").create_workspace("a", str(repository))
    assert caught.value.code == "disk_threshold_gb"


def test_workspace_auto_merge_merges_before_cleaning_up(service: Service, repository: Path) -> None:
    one = service(WORKSPACE_AUTO_MERGE="true")
    write(one.create_workspace("a", str(repository)), "changed\n")
    one.cleanup_workspace("a", preserve_branch=False)
    assert git(repository, "show", "main:file") == "changed"


@pytest.mark.parametrize(
    ("strategy", "expected"), [("newest_file_wins", "b"), ("child", "b"), ("parent", "a")]
)
def test_workspace_conflict_strategy_settles(
    service: Service, repository: Path, strategy: str, expected: str
) -> None:
    one = service(WORKSPACE_CONFLICT_STRATEGY=strategy)
    first, second = (one.create_workspace(name, str(repository)) for name in ("a", "b"))
    write(first, "a\n")
    write(second, "b\n")
    one.merge_to_parent("a", "main")
    result = one.merge_to_parent("b", "main")
    assert (result.status, result.conflicts_resolved) == ("conflict_resolved", ["file"])
    assert (result.resolution_strategy, result.total_conflicts) == (strategy, 1)
    assert git(repository, "show", "main:file") == expected


def test_a_child_ticket_inherits_from_its_parent_by_its_bare_id(
    service: Service, repository: Path
) -> None:
    one = service()
    write(one.create_workspace("ticket-7", str(repository)), "not committed\n")
    child = one.create_workspace("ticket-8", str(repository), branch="main", parent_id="7")
    assert (Path(child.working_directory) / "file").read_text() == "not committed\n"
    write(child, "by the child\n")
    result = one.merge_to_parent("ticket-8")
    assert (result.status, result.merged_to) == ("success", "carrel/ticket-7")


def test_without_a_url_the_only_project_is_meant(service: Service, repository: Path) -> None:
    one = service()
    one.create_workspace("a", str(repository))
    assert one.create_workspace("b", repo_url=None).branch_name == "carrel/b"


def test_a_url_is_cloned_and_merges_land_in_the_store(service: Service, repository: Path) -> None:
    one = service()
    write(one.create_workspace("a", f"file://{repository}"), "changed\n")
    before = git(repository, "rev-parse", "main")
    result = one.merge_to_parent("a", "main")
    assert result.status == "success"
    assert git(repository, "rev-parse", "main") == before
    assert one.get_workspace_changes("a", since_commit=result.commit_sha).total_changes == 0


def test_an_unknown_strategy_is_refused_and_nothing_lands(
    service: Service, repository: Path
) -> None:
    one = service()
    write(one.create_workspace("a", str(repository)), "changed\n")
    with pytest.raises(CarrelError) as caught:
        one.merge_to_parent("a", strategy="oldest_file_wins")
    assert caught.value.code == "bad_rule"
    assert git(repository, "show", "main:file") == "start"


def test_conflicts_are_predicted_in_one_of_several_projects(
    service: Service, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = service()
    one.create_workspace("a", str(repository))
    one.create_workspace("b", f"file://{repository}")
    assert one.predict_conflicts(project="repository").order == ("a",)
    assert one.predict_conflicts(project="repository-2").order == ("b",)
    monkeypatch.chdir(repository)
    assert one.predict_conflicts().order == ("a",)
