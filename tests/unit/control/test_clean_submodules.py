"""Removing a workspace with a checked-out submodule: only one that holds no work may go."""

import subprocess
from pathlib import Path

import pytest

from carrel.control import cleanup, projects, workspaces
from carrel.domain.workspaces import State
from carrel.errors import RefusedError
from carrel.testing.molds import mold

WHO = ("NAME", "EMAIL")


ALLOW = ("-c", "protocol.file.allow=always", "-c", "init.templateDir=")


@pytest.fixture(scope="module")
def with_lib(model, tmp_path_factory):
    """A repository with a submodule `lib`: to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("with-lib")
    inner = model.copied(folder / "inner")
    inner.write("code.txt", "code\n")
    inner.write("run.sh", "run\n")
    (inner.path / "run.sh").chmod(0o755)
    (inner.path / "link").symlink_to("code.txt")
    inner.commit("one")
    made = model.copied(folder / "project")
    made.git(*ALLOW, "submodule", "--quiet", "add", str(inner.path), "lib")
    made.commit("with lib")
    return made


@pytest.fixture(scope="module")
def checked_out(with_lib):
    """A clone whose submodule `lib` is checked out as git does it: to be copied, too."""
    clone = with_lib.path.parent / "clone"
    with_lib.git("clone", "--quiet", "--template=", str(with_lib.path), str(clone))
    with_lib.git(*ALLOW, "submodule", "--quiet", "update", "--init", cwd=clone)
    return clone


@pytest.fixture(params=["auto", "checkout"])
def there(request, ctx, with_lib, checked_out, tmp_path):
    """A workspace whose submodule `lib` is checked out."""
    repository = with_lib.copied(tmp_path / "project")
    projects.register(ctx, str(repository.path))
    request_ = workspaces.Request(agent_id="agent-1", driver=request.param)
    made = workspaces.create(ctx, request_)
    tree = Path(made.working_directory)
    for folder in ("lib", ".git/modules/lib"):
        mold(checked_out / folder).write(tree / folder)
    with (tree / ".git/config").open("a") as config:
        config.write(f'[submodule "lib"]\n\tactive = true\n\turl = {checked_out.parent}/inner\n')
    repository.git("update-index", "-q", "--refresh", cwd=tree / "lib")
    return made


def lib(there) -> Path:
    return Path(there.working_directory, "lib")


def test_one_that_holds_no_work_needs_no_discard(ctx, there, model) -> None:
    assert (lib(there) / "code.txt").exists()
    assert model.git("status", "--porcelain", "--ignored", cwd=there.working_directory) == ""
    told = model.git("submodule", "status", cwd=there.working_directory)
    assert told.startswith(model.git("rev-parse", "HEAD:lib", cwd=there.working_directory))
    assert cleanup.remove(ctx, there).workspace.state is State.TRASHED


# Some overlays let nobody make such names; a checkout does.
by_checkout = pytest.mark.parametrize("there", ["checkout"], indirect=True)


@by_checkout
def test_marks_of_an_overlay_are_no_modules(ctx, there) -> None:
    Path(there.working_directory, ".git/modules/.wh..wh..opq").touch()
    assert cleanup.remove(ctx, there).workspace.state is State.TRASHED


@by_checkout
def test_a_folder_that_looks_like_a_mark_may_hold_work(ctx, there) -> None:
    old = Path(there.working_directory, ".git/modules/.wh.old")
    subprocess.run(["git", "init", "-q", "--bare", str(old)], check=True)
    with pytest.raises(RefusedError):
        cleanup.remove(ctx, there)


WORK = {
    "edited": "echo CODE >code.txt",
    "new file": "echo mine >mine.txt",
    "file that the project around it ignores": "echo x >build.log",
    "deleted": "rm code.txt",
    "mode": "chmod +x code.txt",
    "staged": "echo CODE >code.txt; git add code.txt; echo code >code.txt",
    "commit": "git commit -q --allow-empty -m mine",
    "branch": "git commit -q --allow-empty -m mine; git branch mine; git checkout -q main",
    "stash": "echo CODE >code.txt; git stash --quiet",
    "other history": "git checkout -q --orphan other; git commit -q -m other",
    "second module": "git init -q --bare ../.git/modules/old",
    "pipe": "mkfifo pipe",
    "alternate": "echo /somewhere/objects >../.git/modules/lib/objects/info/alternates",
}


@pytest.mark.parametrize("work", WORK)
def test_one_that_holds_work_stays(ctx, there, work: str) -> None:
    people = [f"GIT_{who}_{what}=a@b" for who in ("AUTHOR", "COMMITTER") for what in WHO]
    subprocess.run(["env", *people, "sh", "-ec", WORK[work]], cwd=lib(there), check=True)
    with pytest.raises(RefusedError) as caught:
        cleanup.remove(ctx, there)
    assert caught.value.code == "unsaved_files"
    assert cleanup.remove(ctx, there, discard=True).workspace.state is State.TRASHED
