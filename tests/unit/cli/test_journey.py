"""Every command, for real: its JSON document, what it does, and its exit code."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Git = Callable[..., str]

VIEW = {
    "workspace_id",
    "agent_id",
    "project",
    "working_directory",
    "branch_name",
    "parent_commit",
    "parent_id",
    "depth",
    "start_ref",
    "target_branch",
    "head_commit",
    "driver",
    "presented",
    "state",
    "outcome",
    "merged_to",
    "created_at",
    "updated_at",
    "lease",
    "checkpoints",
}
COMMIT = {
    "commit_sha",
    "files_changed",
    "message",
    "timestamp",
    "iteration",
    "empty",
    "skipped",
}


def test_init_and_projects(cli: Cli, repository: Path) -> None:
    made = cli("init", str(repository), "--name", "site", "--json").json
    assert (made["name"], made["kind"], made["default_branch"]) == ("site", "path", "main")
    assert cli("init", str(repository), "--json").json == made
    assert cli("projects", "--json").json == {"projects": [made]}
    assert "site" in cli("projects").out
    assert "is registered" in cli("init", str(repository)).out


def test_init_of_nothing_says_so(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", str(tmp_path / "nowhere"), "--json", expect=5)
    assert (said.out, said.error["code"]) == ("", "path_missing")
    assert said.error["cure"]


def test_new_shows_what_it_made_and_again_the_same(cli: Cli, repository: Path) -> None:
    cli("init", str(repository))
    made = cli("new", "ann", "--json").json
    assert set(made) == VIEW
    assert made["branch_name"] == "carrel/ann"
    assert (Path(made["working_directory"]) / "a.txt").read_text() == "one\ntwo\nthree\n"
    again = cli("new", "ann", "--json").json
    assert again["workspace_id"] == made["workspace_id"]
    said = cli("new", "ann", "--parent", "ann", "--json", expect=6)
    assert said.error["code"] == "workspace_differs"
    assert made["working_directory"] in cli("new", "ann").out


def test_ls_and_show_say_the_same(cli: Cli, workspace: Path) -> None:
    shown = cli("show", "ann", "--json").json
    assert set(shown) == VIEW
    assert shown["working_directory"] == str(workspace)
    assert cli("ls", "--json").json == {"workspaces": [shown]}
    assert cli("show", shown["workspace_id"], "--json").json == shown
    assert re.search(r"^ann +active +carrel/ann ", cli("ls").out, re.MULTILINE)
    assert str(workspace) in cli("show", "ann").out


def test_ls_of_nothing(cli: Cli, repository: Path) -> None:
    assert cli("ls", "--json").json == {"workspaces": []}
    assert "carrel new" in cli("ls").out
    cli("init", str(repository))
    assert cli("ls", "--project", "nothing", "--json", expect=5).error["code"] == "unknown_project"


def test_ls_follows_the_folder_and_all_shows_everything(
    cli: Cli, workspace: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "site.git"), str(tmp_path / "other.git"))
    cli("init", str(tmp_path / "other.git"))
    cli("new", "bob", "--project", "other")

    def names(*options: str) -> list[str]:
        return [one["agent_id"] for one in cli("ls", "--json", *options).json["workspaces"]]

    assert names() == ["ann", "bob"]
    assert names("--project", "other") == ["bob"]
    monkeypatch.chdir(workspace)
    assert names() == ["ann"]
    cli("rm", "bob")
    assert names("--all") == ["ann", "bob"]


def test_path(cli: Cli, workspace: Path) -> None:
    assert cli("path", "ann").out == f"{workspace}\n"
    assert cli("path", "ann", "--json").json["working_directory"] == str(workspace)


def test_exec_passes_output_and_exit_code_through(cli: Cli, workspace: Path) -> None:
    said = cli("exec", "ann", "--", "sh", "-c", "pwd; echo no >&2; exit 7", expect=7)
    assert (said.out, said.err) == (f"{workspace}\n", "no\n")
    told = cli(
        "exec", "ann", "--json", "--", "sh", "-c", "echo $CARREL_WORKSPACE; exit 7", expect=7
    )
    assert told.json["exit_code"] == 7
    assert told.json["stdout"] == "ann\n"
    assert told.json["command"] == ["sh", "-c", "echo $CARREL_WORKSPACE; exit 7"]


def test_exec_of_nothing_ends_like_a_shell(cli: Cli, workspace: Path) -> None:
    said = cli("exec", "ann", "--json", "--", "no-such-program", expect=127)
    assert said.error["code"] == "program_missing"
    assert cli("show", "ann", "--json").json["lease"] is None
    (workspace / "plain.txt").write_text("no program\n")
    said = cli("exec", "ann", "--json", "--", "./plain.txt", expect=126)
    assert said.error["code"] == "program_refused"


def test_one_occupant_at_a_time(cli: Cli, workspace: Path) -> None:
    inner = f"{sys.executable} -m carrel exec ann --json -- true"
    said = cli("exec", "ann", "--holder", "bob", "--json", "--", "sh", "-c", inner, expect=6)
    error = json.loads(said.json["stderr"])["error"]
    assert error["code"] == "workspace_occupied"
    assert "bob" in error["message"]
    assert (said.json["exit_code"], said.json["stdout"]) == (6, "")


def test_shell_is_the_persons_own(
    cli: Cli, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mysh"
    mine.write_text("#!/bin/sh\npwd\necho $CARREL_WORKSPACE\nexit 5\n")
    mine.chmod(0o755)
    monkeypatch.setenv("SHELL", str(mine))
    said = cli("shell", "ann", expect=5)
    assert said.out.splitlines()[1:] == [str(workspace), "ann"]


def test_checkpoints_changes_and_restore(cli: Cli, workspace: Path) -> None:
    (workspace / "a.txt").write_text("one\n2\nthree\n")
    (workspace / "new.txt").write_text("new\n")
    first = cli("checkpoint", "ann", "--iteration", "1", "-m", "First", "--json").json
    assert set(first) == COMMIT
    assert (first["files_changed"], first["message"], first["iteration"]) == (2, "First", 1)
    (workspace / "new.txt").unlink()
    again = cli("checkpoint", "ann", "--iteration", "1", "--json").json
    assert again["commit_sha"] == first["commit_sha"]

    changes = cli("changes", "ann", "--diff", "--json").json
    assert changes["files_modified"] == ["a.txt"]
    assert changes["total_changes"] == 1
    assert "+2" in changes["detailed_diff"]
    since = cli("changes", "ann", "--since", first["commit_sha"], "--json").json
    assert since["files_deleted"] == ["new.txt"]
    assert "M a.txt" in cli("changes", "ann").out
    assert "+2" in cli("changes", "ann", "--diff").out

    back = cli("restore", "ann", "iteration:1", "--json").json
    assert back["commit_sha"] == first["commit_sha"]
    assert set(back["saved"]) == COMMIT
    assert (workspace / "new.txt").read_text() == "new\n"
    listed = cli("checkpoints", "ann", "--json").json["checkpoints"]
    assert listed[0]["commit_sha"] == first["commit_sha"]
    assert "First" in cli("checkpoints", "ann").out
    assert cli("restore", "ann", "99", "--json", expect=5).error["code"] == "unknown_checkpoint"


def test_renames_are_told_as_pairs(cli: Cli, workspace: Path) -> None:
    (workspace / "a.txt").rename(workspace / "moved.txt")
    changes = cli("changes", "ann", "--json").json
    assert changes["files_renamed"] == [{"from": "a.txt", "to": "moved.txt"}]
    assert "a.txt → moved.txt" in cli("changes", "ann").out


def test_any_file_name_is_valid_json(cli: Cli, workspace: Path) -> None:
    name = b'quote" \xff\nline'
    (Path(os.fsdecode(os.fsencode(workspace) + b"/" + name))).write_text("x\n")
    said = cli("changes", "ann", "--json")
    said.out.encode("ascii")
    assert [os.fsencode(one) for one in said.json["files_created"]] == [name]
    assert 'A quote" \\xff\\nline' in cli("changes", "ann").out


def clash(cli: Cli, workspace: Path) -> None:
    """Let `ann` and `bob` edit the same line."""
    (workspace / "a.txt").write_text("one\nann\nthree\n")
    bob = Path(cli("new", "bob", "--json").json["working_directory"])
    (bob / "a.txt").write_text("one\nbob\nthree\n")


def test_conflicts_are_foreseen(cli: Cli, workspace: Path) -> None:
    clash(cli, workspace)
    told = cli("conflicts", "--json").json
    assert sorted(told["order"]) == ["ann", "bob"]
    (pair,) = told["pairs"]
    assert {pair["first"], pair["second"]} == {"ann", "bob"}
    assert [one["path"] for one in pair["conflicts"]] == ["a.txt"]
    assert "ann and bob: 1 conflict" in cli("conflicts", "ann", "bob").out
    assert cli("conflicts", "ann", "--json").json["pairs"] == []


def test_merge_settles_and_names_the_loser(
    cli: Cli, workspace: Path, repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    clash(cli, workspace)
    dry = cli("merge", "ann", "--dry-run", "--json").json
    assert (dry["dry_run"], dry["status"]) == (True, "success")
    assert git(repository, "log", "--format=%s", "main") == "Start"
    first = cli("merge", "ann", "--json").json
    assert (first["status"], first["merged_to"]) == ("success", "main")
    assert git(repository, "rev-parse", "main") == first["commit_sha"]

    left = cli("merge", "bob", "--strategy", "fail", "--json", expect=3)
    assert left.json["status"] == "conflicts_left"
    assert left.json["conflicts_left"] == ["a.txt"]
    assert left.err == ""
    assert cli("merge", "bob", "--kind", "content=fail", expect=3).out.count("a.txt") == 1

    program = ["sh", "-c", "echo token=hush no idea >&2; exit 4"]
    monkeypatch.setenv("CARREL_MERGE_COMMAND", json.dumps(program))
    told = cli("merge", "bob", "--strategy", "command", "--json", expect=3).json["why_left"]
    assert told["a.txt"].endswith("ended with exit code 4, saying: token=*** no idea")
    assert "saying: token=***" in cli("merge", "bob", "--strategy", "command", expect=3).out

    second = cli("merge", "bob", "--rule", "*.txt=child", "--json").json
    assert second["status"] == "conflict_resolved"
    assert second["conflicts_resolved"] == ["a.txt"]
    assert second["total_conflicts"] == 1
    (settled,) = second["settlements"]
    lost = f"{settled['kept_ref']}:{settled['losing'][0]['path']}"
    assert git(Path(second["kept_in"]), "show", lost) == "one\nann\nthree"
    assert git(repository, "show", "main:a.txt") == "one\nbob\nthree"
    assert cli("show", "bob", "--json").json["outcome"] == "merged"


def test_a_merge_tells_how_to_see_what_lost(cli: Cli, workspace: Path, git: Git) -> None:
    clash(cli, workspace)
    cli("merge", "ann")
    told = cli("merge", "bob").out
    assert "a.txt (content)" in told
    command = re.search(r"See what lost: git (--git-dir=\S+) (show \S+)", told)
    assert command is not None
    assert git(workspace, command[1], *command[2].split()) in (
        "one\nann\nthree",
        "one\nbob\nthree",
    )


def test_a_bad_rule_changes_nothing(cli: Cli, workspace: Path) -> None:
    assert cli("merge", "ann", "--rule", "x", "--json", expect=2).error["code"] == "bad_rule"
    assert cli("merge", "ann", "--strategy", "x", "--json", expect=2).error["code"] == "usage"


def test_mark(cli: Cli, workspace: Path) -> None:
    assert cli("mark", "ann", "failed", "--json").json["outcome"] == "failed"
    assert "marked open" in cli("mark", "ann", "open").out


def test_rm_and_trash(cli: Cli, workspace: Path, repository: Path, git: Git) -> None:
    (workspace / "new.txt").write_text("new\n")
    dry = cli("rm", "ann", "--dry-run", "--json").json
    assert dry["dry_run"]
    assert workspace.exists()
    refused = cli("rm", "ann", "--no-keep-branch", "--json", expect=6)
    assert refused.error["code"] == "unmerged_work"
    gone = cli("rm", "ann", "--json").json
    assert {"status", "branch_preserved", "disk_space_freed_mb", "branch_name"} <= set(gone)
    assert git(repository, "show", "carrel/ann:new.txt") == "new"
    assert [one["agent_id"] for one in cli("trash", "ls", "--json").json["workspaces"]] == ["ann"]
    assert "ann" in cli("trash", "ls").out
    back = cli("trash", "restore", "ann", "--json").json
    assert (back["state"], (workspace / "new.txt").read_text()) == ("active", "new\n")
    assert cli("trash", "ls", "--json").json == {"workspaces": []}
    assert "is removed" in cli("rm", "ann", "--no-keep-branch", "--discard").out


def test_gc_and_tend(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("gc", "--json").json["actions"] == []
    monkeypatch.setenv("CARREL_RETENTION_IDLE_HOURS", "0")
    planned = cli("gc", "--dry-run", "--json").json
    assert [one["action"] for one in planned["actions"]] == ["remove"]
    assert workspace.exists()
    assert "would be done" in cli("gc", "--dry-run").out
    assert cli("tend", "--dry-run", "--json").json["dry_run"]
    done = cli("tend", "--json").json
    assert "remove" in [one["action"] for one in done["actions"]]
    assert cli("ls", "--json").json == {"workspaces": []}
    assert cli("tend", "--watch", "--every", "0", "--json", expect=2).error["code"] == "bad_pause"


def test_reconcile_finds_nothing_where_all_is_well(cli: Cli, workspace: Path) -> None:
    assert cli("reconcile", "--json").json == {"dry_run": False, "findings": []}
    assert "agree" in cli("reconcile", "--dry-run").out


def test_doctor(cli: Cli) -> None:
    told = cli("doctor", "--json").json
    assert told["healthy"]
    assert {"group", "name", "ok", "what", "why", "cure"} == set(told["checks"][0])
    assert "overlay" in cli("doctor").out


def test_ledger(cli: Cli, workspace: Path) -> None:
    events = cli("ledger", "--last", "0", "--json").json["events"]
    assert [one["sequence"] for one in events] == list(range(1, len(events) + 1))
    assert {"at", "actor", "action", "subject", "data", "previous", "hash"} < set(events[0])
    assert len(cli("ledger", "--last", "1", "--json").json["events"]) == 1
    own = cli("ledger", "--subject", "ann", "--json").json["events"]
    assert {one["subject"] for one in own} == {cli("show", "ann", "--json").json["workspace_id"]}
    assert "workspace.created" in cli("ledger").out
    verdict = cli("ledger", "verify", "--json").json
    assert (verdict["intact"], verdict["broken_at"]) == (True, None)
    assert "the chain holds" in cli("ledger", "verify").out
    assert cli("ledger", "--last", "-1", "--json", expect=2).error["code"] == "bad_number"


def test_db(cli: Cli) -> None:
    assert cli("db", "current", "--json").json["current"] is None
    dry = cli("db", "upgrade", "--dry-run", "--json").json
    assert dry["before"] is None
    done = cli("db", "upgrade", "--json").json
    assert done["after"] == dry["after"]
    assert cli("db", "current", "--json").json["current"] == done["after"]
    assert cli("db", "check", "--json").json == {"ok": True, "findings": []}


def test_config(cli: Cli, tmp_path: Path) -> None:
    guide = tmp_path / "base.yaml"
    guide.write_text('workspace:\n  max_count: 7\n  colour: "red"\n')
    file = Path(cli("config", "path").out.strip())
    dry = cli("config", "import", str(guide), "--dry-run", "--json").json
    assert dry["settings"] == {"workspace.max_count": 7}
    assert dry["unknown"] == ["workspace.colour"]
    assert not file.exists()
    cli("config", "import", str(guide))
    shown = {one["key"]: one for one in cli("config", "show", "--json").json["settings"]}
    assert shown["workspace.max_count"]["value"] == 7
    assert shown["workspace.max_count"]["origin"] == str(file)
    assert shown["workspace.max_depth"]["origin"] == "default"
    assert "workspace.max_count" in cli("config", "show").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(cli: Cli, shell: str) -> None:
    script = cli("completion", shell).out
    assert "carrel" in script
    assert cli("completion", shell, "--json").json == {"shell": shell, "script": script[:-1]}


def completed(words: str) -> list[str]:
    """Ask for completions as bash does."""
    env = {
        **os.environ,
        "_CARREL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "carrel"], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_names_complete(cli: Cli, workspace: Path) -> None:
    assert completed("carrel sho") == ["show"]
    assert completed("carrel show a") == ["ann"]
    assert completed("carrel show b") == []
    assert "--json" in completed("carrel ls --")
    assert "verify" in completed("carrel ledger v")


def test_a_ticket_is_found_by_its_number(cli: Cli, repository: Path) -> None:
    cli("init", str(repository))
    made = cli("new", "ticket-42", "--json").json
    assert cli("show", "42", "--json").json["workspace_id"] == made["workspace_id"]


def test_a_child_starts_from_unsaved_work(cli: Cli, workspace: Path) -> None:
    (workspace / "draft.txt").write_text("draft\n")
    child = cli("new", "bob", "--parent", "ann", "--json").json
    assert child["depth"] == 1
    folder = Path(child["working_directory"])
    assert (folder / "draft.txt").read_text() == "draft\n"
    (folder / "more.txt").write_text("more\n")
    assert cli("merge", "bob", "--json").json["merged_to"] == "carrel/ann"
    assert (workspace / "more.txt").read_text() == "more\n"
