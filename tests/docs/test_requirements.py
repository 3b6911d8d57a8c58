"""The map of requirements is complete, and every proof that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/requirements.md").read_text()
ROW = re.compile(r"^\| (?!the guide asks for|---)(.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = [(section, *row) for section in PAGE.split("\n## ")[1:] for row in ROW.findall(section)]
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)`")

VARIABLES = (
    "WORKSPACE_ROOT", "WORKSPACE_WORKER_DIR", "WORKSPACE_MAX_COUNT", "WORKSPACE_MAX_DEPTH",
    "WORKSPACE_DISK_THRESHOLD_GB", "WORKSPACE_AUTO_MERGE", "WORKSPACE_CONFLICT_STRATEGY",
)  # fmt: skip
CLASSES = (
    "WorkspaceManagerService", "LocalWorkspaceManager", "DockerWorkspaceManager",
    "RepositoryManager", "CommandExecutor",
)  # fmt: skip
ARGUMENTS = {
    "create_workspace": "agent_id repo_url branch parent_id use_docker host_port",
    "commit_for_validation": "agent_id iteration message",
    "get_workspace_changes": "agent_id since_commit",
    "merge_to_parent": "agent_id target_branch",
    "cleanup_workspace": "agent_id preserve_branch",
}
FIELDS = {
    "WorkspaceInfo": "working_directory branch_name parent_commit workspace_id",
    "CommitInfo": "commit_sha files_changed message timestamp",
    "WorkspaceChanges": "files_created files_modified files_deleted total_changes stats "
    "detailed_diff",
    "MergeResult": "status merged_to commit_sha conflicts_resolved resolution_strategy "
    "total_conflicts",
}
CLEANUP = "status branch_preserved disk_space_freed_mb"
POINTS = [
    *(f"`{name}`" for name in (*VARIABLES, *CLASSES)),
    *(f"`{name.removeprefix('WORKSPACE_').lower()}`" for name in VARIABLES),
    *(f"`{method}()`" for method in ARGUMENTS),
    *(f"`{method}({one}=)`" for method, names in ARGUMENTS.items() for one in names.split()),
    *(f"`{result}.{field}`" for result, names in FIELDS.items() for field in names.split()),
    *(f'`cleanup_workspace()["{key}"]`' for key in CLEANUP.split()),
]
COUNTS = {
    "Overview": 6,  # five points, the last of them of two kinds
    "Integration points": 9,
    "Migration strategy": 12,
    "Benefits": 6,
    "Next steps": 8,
    "Related documentation": 3,
}


@pytest.mark.parametrize("point", POINTS)
def test_every_name_of_the_guide_has_a_row(point: str) -> None:
    assert [row for row in ROWS if row[1] == point] != []


@pytest.mark.parametrize("section", COUNTS)
def test_every_other_point_of_a_section_has_a_row(section: str) -> None:
    assert len([row for row in ROWS if row[0].startswith(f"{section}\n")]) == COUNTS[section]


def test_every_phase_and_step_is_there() -> None:
    points = "\n".join(row[1] for row in ROWS)
    phases = set(re.findall(r"^Phase (\d\.\d)", points, re.MULTILINE))
    assert phases == {"1.1", "1.2", "2.1", "2.2", "3.1", "3.2", "4.1", "5.1"}
    steps = [row[1][0] for row in ROWS if row[0].startswith("Next steps\n")]
    assert steps == list("12345678")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1][:60])
def test_every_row_is_proved_by_a_test_that_exists(row: tuple[str, str, str, str]) -> None:
    proofs = PROOF.findall(row[3])
    assert proofs
    for file, name in proofs:
        source = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{file}::{name}"


def test_what_is_refused_is_named() -> None:
    refused = [row[1] for row in ROWS if "refused for now" in row[2]]
    assert refused == [
        "Support for Docker workspaces",
        "`create_workspace(use_docker=)`",
        "`create_workspace(host_port=)`",
        "7. Add Docker workspace support",
    ]
