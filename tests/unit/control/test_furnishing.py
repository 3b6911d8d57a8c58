"""What a new workspace gets besides its commit's files, and filters that the owner allowed."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from carrel.control import changes, checkpoints, projects, workspaces
from carrel.control.context import Context
from carrel.control.furnishing import Wishes
from carrel.domain.workspaces import Workspace
from carrel.errors import BadInputError, CarrelError, FailedError, RefusedError

PROGRAM = """#!/bin/sh
# Contents are stored upside down in letters, with a mark in front; twice cleaned is once cleaned.
echo "$1" >>"{log}"
case "$1" in
  clean) sed -e '/^stored:/!{{y/abc/xyz/;s/^/stored:/}}' ;;
  smudge) sed -e '/^stored:/{{s/^stored://;y/xyz/abc/}}' ;;
  *) exit 1 ;;
esac
"""


class Owner:
    """A person with a filter program, and a git configuration that knows it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "owner"
        self.home.mkdir()
        self.log = folder / "ran"
        self.program = folder / "flip"
        self.program.write_text(PROGRAM.format(log=self.log))
        self.program.chmod(0o755)

    def define(self, name: str = "flip", *, smudge: str | None = None) -> None:
        self.config(f"filter.{name}.clean", f"{self.program} clean")
        self.config(f"filter.{name}.smudge", smudge or f"{self.program} smudge")
        self.config(f"filter.{name}.required", "true")

    def config(self, key: str, value: str) -> None:
        file = f"--file={self.home}/.gitconfig"
        subprocess.run(["git", "config", file, key, value], check=True)

    def ran(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Owner:
    made = Owner(tmp_path)
    made.define()
    monkeypatch.setenv("HOME", str(made.home))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture(params=["auto", "checkout"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def allowed(owner: Owner, ctx: Context, repository, driver: str) -> Context:
    """A context whose owner allows the filter; the project stores what it makes."""
    repository.write(".gitattributes", "*.big filter=flip\n")
    repository.write("deep/one.big", "stored:xyz\n")
    repository.write("two.big", "stored:zyx\n")
    repository.commit("stored")  # by the owner's own git, which runs the filter, too
    owner.log.unlink()
    ctx.config = replace(ctx.config, allow_filters=("flip",), driver=driver)
    ctx.access = replace(ctx.access, environment={"HOME": os.environ["HOME"]})
    projects.register(ctx, str(repository.path))
    return ctx


def new(ctx: Context, name: str = "agent-1", **wishes: object) -> Workspace:
    request = workspaces.Request(agent_id=name, wishes=Wishes(**wishes))  # type: ignore[arg-type]
    return workspaces.create(ctx, request)


def read(workspace: Workspace, name: str) -> str:
    return Path(workspace.working_directory, name).read_text()


def write(workspace: Workspace, name: str, text: str) -> None:
    Path(workspace.working_directory, name).write_text(text)


def stored(ctx: Context, repository, workspace: Workspace, commit: str, name: str) -> str:
    vault = f"{ctx.project_home(workspace.project_id)}/vault.git"
    return repository.git(f"--git-dir={vault}", "show", f"{commit}:{name}")


def test_an_allowed_filter_writes_contents_and_stores_what_it_stores(
    allowed, owner, repository
) -> None:
    made = new(allowed)
    assert (read(made, "deep/one.big"), read(made, "two.big")) == ("abc\n", "cba\n")
    assert owner.ran() == ["smudge", "smudge"]
    assert changes.changes(allowed, made).files_modified == []
    assert checkpoints.checkpoint(allowed, made).empty
    assert owner.ran() == ["smudge", "smudge"]  # untouched files are not cleaned again
    write(made, "two.big", "caa\n")
    write(made, "three.big", "a\n")
    saved = checkpoints.checkpoint(allowed, made)
    assert (saved.files_changed, saved.skipped) == (2, ())
    assert stored(allowed, repository, made, saved.commit_sha, "two.big") == "stored:zxx"
    assert stored(allowed, repository, made, saved.commit_sha, "three.big") == "stored:x"
    assert read(made, "two.big") == "caa\n"


def test_git_in_the_workspace_sees_nothing_changed_even_without_the_filter(
    allowed, repository
) -> None:
    made = new(allowed)
    there = made.working_directory
    assert repository.git("-c", "filter.flip.clean=", "status", "--porcelain", cwd=there) == ""
    write(made, "two.big", "caa\n")
    assert repository.git("status", "--porcelain", cwd=there) == "M two.big"


def test_going_back_writes_contents(allowed, repository) -> None:
    made = new(allowed)
    write(made, "two.big", "caa\n")
    checkpoints.restore(allowed, made, "start")
    assert read(made, "two.big") == "cba\n"
    checkpoints.restore(allowed, made, "1")
    assert read(made, "two.big") == "caa\n"


def test_a_child_gets_contents_too(allowed) -> None:
    made = new(allowed)
    write(made, "two.big", "caa\n")
    child = workspaces.create(allowed, workspaces.Request(agent_id="child", parent="agent-1"))
    assert (read(child, "two.big"), read(child, "deep/one.big")) == ("caa\n", "abc\n")
    assert checkpoints.checkpoint(allowed, child).empty


def test_smudging_can_be_skipped(allowed, owner, repository) -> None:
    made = new(allowed, skip_smudge=True)
    assert read(made, "two.big") == "stored:zyx\n"
    assert owner.ran() == []
    write(made, "two.big", "caa\n")
    saved = checkpoints.checkpoint(allowed, made)
    assert stored(allowed, repository, made, saved.commit_sha, "two.big") == "stored:zxx"
    checkpoints.restore(allowed, made, "start")
    assert read(made, "two.big") == "stored:zyx\n"


def test_a_filter_that_is_not_allowed_stays_unrun_and_is_named(allowed, owner, repository) -> None:
    allowed.config = replace(allowed.config, allow_filters=("other",))
    made = new(allowed)
    assert read(made, "two.big") == "stored:zyx\n"
    write(made, "two.big", "caa\n")
    saved = checkpoints.checkpoint(allowed, made)
    assert saved.skipped == (("two.big", "stored as it is on disk: the filter 'flip' is not run"),)
    assert stored(allowed, repository, made, saved.commit_sha, "two.big") == "caa"
    assert owner.ran() == []


def test_an_allowed_name_runs_the_owners_command_and_no_other(
    allowed, owner, repository, tmp_path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for kind in ("clean", "smudge", "process"):
        repository.git("config", f"filter.flip.{kind}", str(trap))
    made = new(allowed)
    for kind in ("clean", "smudge"):
        repository.git("config", f"filter.flip.{kind}", str(trap), cwd=made.working_directory)
    write(made, "two.big", "caa\n")
    saved = checkpoints.checkpoint(allowed, made)
    assert stored(allowed, repository, made, saved.commit_sha, "two.big") == "stored:zxx"
    assert not (tmp_path / "sprung").exists()
    repository.git("add", "two.big", cwd=made.working_directory)
    assert (tmp_path / "sprung").exists()  # plain git springs it


def test_a_filter_that_nobody_defined_is_refused_with_the_cure(allowed, owner) -> None:
    (owner.home / ".gitconfig").unlink()
    with pytest.raises(BadInputError) as caught:
        new(allowed)
    assert (caught.value.code, "--skip-smudge" in caught.value.cure) == ("filter_undefined", True)
    assert workspaces.listing(allowed) == []
    assert read(new(allowed, skip_smudge=True), "two.big") == "stored:zyx\n"


def test_a_filter_that_fails_leaves_no_workspace_behind(allowed, owner) -> None:
    owner.define(smudge="echo broken >&2; false")
    with pytest.raises(FailedError) as caught:
        new(allowed)
    assert caught.value.code == "filter_failed"
    assert "flip" in caught.value.why
    assert workspaces.listing(allowed) == []
    assert os.listdir(allowed.config.workspace_root) == []


def test_a_filter_that_cannot_clean_loses_nothing(allowed, owner, repository) -> None:
    made = new(allowed)
    owner.program.write_text("#!/bin/sh\nexit 3\n")
    write(made, "two.big", "caa\n")
    saved = checkpoints.checkpoint(allowed, made)
    assert stored(allowed, repository, made, saved.commit_sha, "two.big") == "caa"
    ((path, reason),) = saved.skipped
    assert (path, reason.startswith("stored as it is")) == ("two.big", True)


@pytest.fixture
def clone(repository):
    repository.write(".gitignore", ".env\ndeps/\n")
    repository.commit("ignores")
    repository.write(".env", "SECRET=1\n")
    repository.write("deps/lib.txt", "lib\n")
    return repository


def test_one_workspace_can_have_copies_and_links_of_its_own(ctx, clone, make) -> None:
    make("plain")
    made = new(ctx, copy=(".env",), share=("deps",))
    here = Path(made.working_directory)
    assert (here / ".env").read_text() == "SECRET=1\n"
    assert not (here / ".env").is_symlink()
    assert (here / "deps").resolve() == clone.path / "deps"
    assert clone.git("status", "--porcelain", cwd=here) == ""
    assert checkpoints.checkpoint(ctx, made).empty


def test_wishes_add_to_the_settings(ctx, clone, make) -> None:
    ctx.config = replace(ctx.config, share=("deps",))
    projects.register(ctx, str(clone.path))
    here = Path(new(ctx, copy=(".env",)).working_directory)
    assert (here / ".env").exists()
    assert (here / "deps").is_symlink()


def test_equal_wishes_return_the_workspace_and_others_are_named(ctx, clone, make) -> None:
    made = new(ctx, copy=(".env", ".env"), skip_smudge=True)
    again = new(ctx, copy=(".env",), skip_smudge=True)
    assert again.workspace_id == made.workspace_id
    with pytest.raises(RefusedError) as caught:
        new(ctx)
    assert caught.value.code == "workspace_differs"
    assert "copy: it has ['.env'], asked was []" in caught.value.why
    assert "skip_smudge" in caught.value.why


def test_a_pattern_that_fits_nothing_is_told(ctx, clone, make) -> None:
    told: list[str] = []
    ctx.say = told.append
    new(ctx, copy=(".env", "nothing"))
    assert told == ["Nothing was brought for 'nothing': your clone ignores no such file."]


def test_without_a_clone_there_is_nothing_to_copy(ctx, repository, tmp_path) -> None:
    bare = tmp_path / "bare.git"
    repository.git("clone", "-q", "--bare", ".", str(bare))
    projects.register(ctx, str(bare))
    with pytest.raises(CarrelError) as caught:
        new(ctx, copy=(".env",))
    assert caught.value.code == "no_clone"
    assert workspaces.listing(ctx, everything=True) == []
