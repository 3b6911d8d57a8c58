"""The JSON document that each command answers with: its fields, in order.

They are stable; a test compares them with what the commands really say.
"""

WORKSPACE = (
    "workspace_id agent_id project working_directory branch_name parent_commit parent_id depth "
    "start_ref target_branch head_commit driver presented state outcome merged_to created_at "
    "updated_at checkpoints lease"
)
PROJECT = "project_id name kind source home default_branch created_at"
COMMIT = "commit_sha files_changed message timestamp iteration empty skipped"
CHECKPOINT = (
    "checkpoint_id workspace_id agent_id number iteration commit_sha files_changed message "
    "created_at empty reason"
)
ACTION = "action subject reason done detail bytes_freed"
SETTLEMENT = "path kind strategy winner winning losing kept_ref reason"

ANSWERS: dict[str, str] = {
    "init": PROJECT,
    "projects": "projects",
    "projects rm": "dry_run project kept_in kept_bytes bytes_freed",
    "new": WORKSPACE,
    "ls": "workspaces",
    "show": WORKSPACE,
    "path": "workspace_id agent_id working_directory",
    "exec": "workspace_id agent_id command exit_code stdout stderr",
    "shell": "workspace_id agent_id exit_code",
    "checkpoint": COMMIT,
    "checkpoints": "workspace_id agent_id checkpoints",
    "changes": (
        "files_created files_modified files_deleted total_changes stats detailed_diff "
        "files_renamed files_copied files_type_changed files_mode_changed since_commit"
    ),
    "restore": "commit_sha files_changed saved",
    "conflicts": "target order pairs against_target steps unrelated",
    "merge": (
        "status merged_to commit_sha conflicts_resolved resolution_strategy total_conflicts "
        "settlements conflicts_left why_left pushed dry_run kept_in"
    ),
    "mark": WORKSPACE,
    "rm": (
        "status workspace_id agent_id branch_preserved branch_name disk_space_freed_mb "
        "disk_space_freed_bytes kept_ref merged unsaved dry_run"
    ),
    "trash ls": "workspaces",
    "trash restore": WORKSPACE,
    "trash empty": "dry_run actions bytes_freed",
    "gc": "dry_run actions bytes_freed",
    "tend": "dry_run actions bytes_freed",
    "doctor": "healthy checks",
    "reconcile": "dry_run findings",
    "ledger": "events",
    "ledger verify": "events broken_at last_hash intact",
    "config show": "settings",
    "config import": "dry_run target settings unknown became",
    "config path": "path",
    "db upgrade": "dry_run before after",
    "db current": "current needed",
    "db check": "ok findings",
    "completion": "shell script",
    "demo": "repository agents prediction merges proof removed not_removed ledger fleet kept_in",
}
"""Fields of the document itself."""

WITHIN: dict[str, str] = {
    "projects[]": PROJECT,
    "workspaces[]": WORKSPACE,
    "workspaces[].lease, or null": "holder since heartbeat_at expired",
    "checkpoints[]": CHECKPOINT,
    "restore: saved": COMMIT,
    "checkpoint: skipped[]": "path reason",
    "rm: unsaved[]": "path reason",
    "changes: files_renamed[], files_copied[]": "from to",
    "merge: settlements[]": SETTLEMENT,
    "settlements[]: winning[], losing[]": "path mode object_id",
    "conflicts: pairs[], against_target[]": "first second conflicts",
    "pairs[]: conflicts[]": "path kind paths",
    "conflicts: steps[]": "name conflicts reason",
    "actions[]": ACTION,
    "doctor: checks[]": "group name ok what why cure",
    "reconcile: findings[]": "kind subject what cure applied detail",
    "ledger: events[]": "sequence at actor action subject data previous hash",
    "config show: settings[]": "key value origin meaning",
}
"""Fields of the objects inside."""
