"""The gateway: a closed environment, explicit places, git's own words in an error."""

import os
import pickle

import pytest

from carrel.errors import FailedError
from carrel.git.gateway import Git, closed_environment


def test_nothing_of_ours_leaks_into_git(clone, monkeypatch) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "EDITOR"):
        monkeypatch.setenv(name, "/evil")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'alias.rev-parse=!evil'")
    assert Git(f"{clone.path}/.git").text("rev-parse", "HEAD") == clone.tip("main")
    assert not {"GIT_DIR", "EDITOR", "GIT_SSH_COMMAND"} & closed_environment().keys()
    assert closed_environment({"A": "b"})["A"] == "b"


def test_no_protocol_is_allowed_unless_asked_for(clone, make_clone) -> None:
    other = make_clone("other")
    with pytest.raises(FailedError) as caught:
        Git(f"{other.path}/.git").run("fetch", f"file://{clone.path}", "main")
    assert "not allowed" in caught.value.why


def test_an_error_has_gits_own_words(clone) -> None:
    with pytest.raises(FailedError) as caught:
        Git(f"{clone.path}/.git").run("cat-file", "-t", "nope")
    assert caught.value.code == "git_failed"
    assert "nope" in caught.value.why
    assert pickle.loads(pickle.dumps(caught.value)).why == caught.value.why


def test_codes_that_are_answers(clone) -> None:
    git = Git(f"{clone.path}/.git")
    assert git.run("rev-parse", "-q", "--verify", "nope", ok=(0, 1)).code == 1


def test_bytes_go_through(clone) -> None:
    git = Git(f"{clone.path}/.git", work_tree=str(clone.path))
    name = b"odd \xff\n"
    (clone.path / os.fsdecode(name)).write_bytes(b"x")
    out = git.run("ls-files", "-o", "-z", "--", name).out
    assert out == name + b"\0"


def test_a_call_that_hangs_is_ended(clone) -> None:
    os.mkfifo(clone.path / ".git/refs/heads/pipe")
    with pytest.raises(FailedError) as caught:
        Git(f"{clone.path}/.git", timeout=0.3).run("rev-parse", "refs/heads/pipe")
    assert caught.value.code == "program_timeout"


@pytest.mark.real
def test_as_somebody_else(clone, tmp_path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    git = Git(f"{clone.path}/.git", user=12345)
    with pytest.raises(FailedError):
        git.run("update-ref", "refs/heads/x", clone.tip("main"))
    talk = git.converse("cat-file", "--batch-check")
    talk.close()
