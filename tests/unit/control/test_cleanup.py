"""Cleaning up: what stops a removal, what is kept of it, and the way back from the trash."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.control.files import read, write

from carrel.control import cleanup, merging, retention, workspaces
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.domain.workspaces import State
from carrel.errors import NotFoundError, RefusedError


def test_cleanup_keeps_the_branch_with_uncommitted_work(ctx, make, repository):
    made = make("agent-1")
    write(made, "never-committed.txt", "precious\n")
    removal = cleanup.remove(ctx, made).as_mapping()
    assert removal["branch_preserved"] is True
    assert removal["status"] == "removed"
    assert repository.tree("carrel/agent-1")["never-committed.txt"] == "precious"
    assert not os.path.exists(made.working_directory)
    assert workspaces.listing(ctx) == []


def test_cleanup_without_a_branch_refuses_unmerged_work(ctx, make, repository):
    made = make("agent-1")
    write(made, "x.txt", "x\n")
    with pytest.raises(RefusedError) as caught:
        cleanup.remove(ctx, made, preserve_branch=False)
    assert caught.value.code == "unmerged_work"
    assert read(made, "x.txt") == "x\n"
    merging.merge(ctx, made, MergeRequest())
    removal = cleanup.remove(ctx, made, preserve_branch=False)
    assert removal.merged
    assert "carrel/agent-1" not in repository.git("branch", "--list", "--all")


def test_the_trash_brings_back_everything(ctx, make):
    made = make("agent-1")
    write(made, "x.txt", "x\n")
    write(made, "secret.log", "ignored, yet mine\n")
    cleanup.remove(ctx, made, preserve_branch=False, discard=True)
    assert [ws.workspace_id for ws in cleanup.trash(ctx)] == [made.workspace_id]
    back = cleanup.restore_from_trash(ctx, "agent-1")
    assert back.state is State.ACTIVE
    assert read(made, "x.txt") == "x\n"
    assert read(made, "secret.log") == "ignored, yet mine\n"


def test_an_agent_may_have_several_workspaces_over_time(ctx, make, repository):
    first = make("agent-1")
    write(first, "1.txt", "1\n")
    cleanup.remove(ctx, first)
    second = make("agent-1")
    assert second.workspace_id != first.workspace_id
    assert second.branch_name == "carrel/agent-1-2"
    write(second, "2.txt", "2\n")
    cleanup.remove(ctx, second)
    assert "1.txt" in repository.tree("carrel/agent-1")
    assert "2.txt" in repository.tree("carrel/agent-1-2")


def test_a_repository_inside_that_no_checkpoint_records_stops_a_removal(ctx, make, repository):
    made = make("agent-1")
    nested = Path(made.working_directory) / "nested"
    nested.mkdir()
    repository.git("init", "-q", cwd=nested)
    (nested / "work.txt").write_text("precious\n")
    with pytest.raises(RefusedError) as caught:
        cleanup.remove(ctx, made)
    assert caught.value.code == "unsaved_files"
    assert (nested / "work.txt").read_text() == "precious\n"
    cleanup.remove(ctx, made, discard=True)
    cleanup.restore_from_trash(ctx, "agent-1")
    assert (nested / "work.txt").read_text() == "precious\n"


def test_work_inside_a_submodule_stops_a_removal(ctx, make, repository, tmp_path):
    inner = tmp_path / "inner"
    repository.git("init", "-q", str(inner))
    repository.git("commit", "-q", "--allow-empty", "-m", "inner", cwd=inner)
    local = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    repository.git(*local, "add", str(inner), "sub")
    repository.commit("with a submodule")
    made = make("agent-1")
    repository.git(*local, "update", "--init", cwd=made.working_directory)
    write(made, "sub/work.txt", "precious\n")
    with pytest.raises(RefusedError, match="submodule") as caught:
        cleanup.remove(ctx, made)
    assert caught.value.code == "unsaved_files"
    assert cleanup.remove(ctx, made, discard=True).workspace.state is State.TRASHED


def test_a_pipe_holds_nothing_and_stops_no_removal(ctx, make):
    made = make("agent-1")
    os.mkfifo(Path(made.working_directory) / "pipe")
    assert cleanup.remove(ctx, made).workspace.state is State.TRASHED


def test_what_no_checkpoint_takes_stops_a_removal_and_the_cure_works(ctx, make, repository):
    made = make("agent-1")
    write(made, "small.txt", "s\n")
    write(made, "new/huge.bin", "h" * 2_000)
    write(made, "src/a.txt", "h" * 2_000)
    ctx.config = replace(ctx.config, max_file_bytes=1_000)
    with pytest.raises(RefusedError, match=r"new/huge.bin.*src/a.txt") as caught:
        cleanup.remove(ctx, made)
    assert (caught.value.code, "--discard" in caught.value.cure) == ("file_too_large", True)
    removal = cleanup.remove(ctx, made, discard=True)
    assert [path for path, _ in removal.unsaved] == ["new/huge.bin", "src/a.txt"]
    kept = repository.tree("carrel/agent-1")
    assert (kept["small.txt"], kept["src/a.txt"]) == ("s", "one\ntwo\nthree")
    assert "new/huge.bin" not in kept
    cleanup.restore_from_trash(ctx, "agent-1")
    assert read(made, "new/huge.bin") == read(made, "src/a.txt") == "h" * 2_000


def test_a_workspace_whose_git_folder_is_gone_can_be_removed_when_told_so(ctx, make, repository):
    made = make("agent-1")
    write(made, "work.txt", "w\n")
    shutil.rmtree(Path(made.working_directory) / ".git")
    with pytest.raises(RefusedError, match=r"'\.git'") as caught:
        cleanup.remove(ctx, made)
    assert caught.value.code == "unsaved_files"
    assert cleanup.remove(ctx, made, discard=True).branch_preserved
    assert repository.tree("carrel/agent-1")["work.txt"] == "w"


def test_whoever_comes_too_late_is_told_how_to_go_on(ctx, make, repository):
    made = make("agent-1")
    write(made, "x.txt", "x\n")
    cleanup.remove(ctx, made)
    for name in ("AGENT-1", made.workspace_id):
        with pytest.raises(NotFoundError, match="'carrel trash restore agent-1'"):
            find(ctx, name)
    with pytest.raises(RefusedError, match="in the trash") as caught:
        merging.merge(ctx, made, MergeRequest())  # it was looked up before
    assert "'carrel trash restore agent-1'" in caught.value.cure
    retention.empty_trash(ctx)
    with pytest.raises(RefusedError, match="was removed") as caught:
        merging.merge(ctx, made, MergeRequest())
    found = re.search(r"--from (\w+)'", caught.value.cure)
    assert found
    again = make("again", branch=found[1])
    assert read(again, "x.txt") == "x\n"
