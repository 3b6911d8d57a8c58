"""A hostile repository and a hostile agent, through every command of the product.

Each trap is first shown to spring: the naive command runs in a copy that is thrown away. Then
the same trap stands in the user's repository and in the agent's own `.git/` while a workspace
is made, checkpointed, compared, predicted, merged, restored, remounted and removed.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.crash.hostile_world import World, git, opened

from carrel.control import (
    projects,
)

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

HOOKS = (
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
)


@pytest.fixture(params=["auto", "checkout"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with opened(request.param, tmp_path, monkeypatch) as made:
        yield made


Plant = Callable[[World, Path], None]
Naive = Callable[[World, Path], object]


def _hooks(world: World, tree: Path) -> None:
    folder = tree / ".git/hooks"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(world.trap, folder / name)


def _hooks_elsewhere(world: World, tree: Path) -> None:
    folder = tree / "my-hooks"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(world.trap, folder / name)
    git("config", "core.hooksPath", "my-hooks", cwd=tree)


def _setting(*pairs: tuple[str, str], attributes: str = "") -> Plant:
    def plant(world: World, tree: Path) -> None:
        if attributes:
            (tree / ".gitattributes").write_text(attributes)
        for key, value in pairs:
            git("config", key, value.replace("TRAP", world.trap), cwd=tree)

    return plant


def _included(world: World, tree: Path) -> None:
    (tree / ".git/more").write_text(f"[core]\n\tfsmonitor = {world.trap}\n")
    git("config", "include.path", "more", cwd=tree)


def _submodule(world: World, tree: Path) -> None:
    (tree / ".gitmodules").write_text(f'[submodule "s"]\n\tpath = s\n\turl = ext::{world.trap}\n')
    git("config", "protocol.ext.allow", "always", cwd=tree)
    git("config", "submodule.recurse", "true", cwd=tree)
    git("config", "submodule.s.url", f"ext::{world.trap}", cwd=tree)
    git("config", "submodule.s.active", "true", cwd=tree)
    git("config", "submodule.s.update", f"!{world.trap}", cwd=tree)
    (tree / "s").mkdir(exist_ok=True)
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},s", cwd=tree)


def _run(*arguments: str, stdin: bytes = b"") -> Naive:
    def naive(_: World, copy: Path) -> None:
        (copy / "a.txt").write_text("edited\n")
        git(*arguments, cwd=copy, ok=False, stdin=stdin)

    return naive


def _checked_out(_: World, copy: Path) -> None:
    (copy / "a.txt").unlink()
    git("checkout", "--", "a.txt", cwd=copy, ok=False)


def _merged(_: World, copy: Path) -> None:
    start = git("rev-parse", "HEAD", cwd=copy)
    for branch in ("one", "two"):
        git("checkout", "-q", "-B", branch, start, cwd=copy)
        (copy / "a.txt").write_text(f"{branch}\n")
        git("commit", "-q", "-a", "-m", branch, cwd=copy)
    git("merge", "one", cwd=copy, ok=False)


def _fetched(_: World, copy: Path) -> None:
    git("fetch", "origin", cwd=copy, ok=False)


EXECUTING: dict[str, tuple[Plant, Naive]] = {
    "hooks": (_hooks, _run("commit", "-q", "-a", "-m", "x")),
    "core.hooksPath": (_hooks_elsewhere, _run("commit", "-q", "-a", "-m", "x")),
    "core.fsmonitor": (_setting(("core.fsmonitor", "TRAP")), _run("status")),
    "filter.clean": (
        _setting(("filter.evil.clean", "TRAP"), attributes="* filter=evil\n"),
        _run("add", "-A"),
    ),
    "filter.smudge": (
        _setting(("filter.evil.smudge", "TRAP"), attributes="* filter=evil\n"),
        _checked_out,
    ),
    "filter.process": (
        _setting(
            ("filter.evil.process", "TRAP"),
            ("filter.evil.required", "true"),
            attributes="* filter=evil\n",
        ),
        _run("add", "-A"),
    ),
    "diff.external": (_setting(("diff.external", "TRAP")), _run("diff")),
    "textconv": (
        _setting(("diff.evil.textconv", "TRAP"), attributes="* diff=evil\n"),
        _run("diff"),
    ),
    "merge driver": (
        _setting(("merge.evil.driver", "TRAP"), attributes="* merge=evil\n"),
        _merged,
    ),
    "include.path": (_included, _run("status")),
    "alias": (
        _setting(("alias.carrel", "!TRAP"), ("alias.statuss", "!TRAP")),
        _run("carrel"),
    ),
    "core.sshCommand": (
        _setting(("core.sshCommand", "TRAP"), ("remote.origin.url", "ssh://127.0.0.1/x.git")),
        _fetched,
    ),
    "core.gitProxy": (
        _setting(("core.gitProxy", "TRAP"), ("remote.origin.url", "git://127.0.0.1/x.git")),
        _fetched,
    ),
    "a remote that is a program": (
        _setting(("protocol.ext.allow", "always"), ("remote.origin.url", "ext::TRAP")),
        _fetched,
    ),
    "a submodule's address": (
        _submodule,
        _run("-c", "protocol.ext.allow=always", "submodule", "update", "--init"),
    ),
    "core.editor": (_setting(("core.editor", "TRAP")), _run("commit", "-a")),
    "gpg.program": (
        _setting(("gpg.program", "TRAP"), ("commit.gpgSign", "true")),
        _run("commit", "-a", "-m", "x"),
    ),
    "credential.helper": (
        _setting(("credential.helper", "!TRAP")),
        _run("credential", "fill", stdin=b"protocol=https\nhost=x\n\n"),
    ),
}
REFUSED_LANDINGS = {
    "filter.clean": {"target_in_use"},
    "filter.smudge": {"target_in_use"},
    "filter.process": {"target_in_use"},
}
"""The user's own filter would have to write his files: the merge says so."""


ABOUT_FILES = ("core.fsmonitor", "filter.clean", "filter.process", "include.path", "hooks")
"""What a driver that asks git about the files might spring."""
CASES = [("auto", name) for name in EXECUTING] + [("checkout", name) for name in ABOUT_FILES]


@pytest.mark.parametrize(("world", "name"), CASES, indirect=["world"])
def test_nothing_is_executed(world: World, name: str) -> None:
    plant, naive = EXECUTING[name]
    plant(world, world.repository)
    naive(world, world.copy(world.repository))
    assert world.sprung(), "plain git is not caught in the user's repository"
    git("-c", "core.hooksPath=/dev/null", "add", "-A", cwd=world.copy(world.repository), ok=False)
    committed_by_the_user(world)
    world.sprung()
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    plant(world, tree)
    naive(world, world.copy(tree))
    assert world.sprung(), "plain git is not caught in the workspace"
    world.everything()
    assert not world.sprung(), "a trap sprang"
    assert set(world.errors) <= REFUSED_LANDINGS.get(name, set()), world.errors


def committed_by_the_user(world: World) -> None:
    """Commit what the trap needs in the tree, with every trap disarmed."""
    harmless = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
    for kind in ("clean", "smudge", "process"):
        harmless += ["-c", f"filter.evil.{kind}="]
    harmless += ["-c", "filter.evil.required=false", "-c", "commit.gpgSign=false"]
    git(*harmless, "add", "--", "*.txt", cwd=world.repository)
    for name in (".gitattributes", ".gitmodules", "my-hooks"):
        if (world.repository / name).exists():
            git(*harmless, "add", "--", name, cwd=world.repository)
    git(*harmless, "commit", "-q", "--allow-empty", "-m", "trap", cwd=world.repository)


def test_the_users_own_settings_are_not_obeyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = world.top / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[uploadpack]\n\tpackObjectsHook = {world.trap}\n[core]\n\tfsmonitor = {world.trap}\n"
    )
    copy = world.top / "clone"
    git("clone", "-q", "--no-local", str(world.repository), str(copy), cwd="/", ok=False, home=home)
    assert world.sprung()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", world.trap)
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    world.everything()
    assert not world.sprung()
    assert not world.errors


def test_a_list_of_alternate_references_is_not_asked_for(world: World) -> None:
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    git("config", "core.alternateRefsCommand", world.trap, cwd=world.tree("agent"))
    git("rev-list", "--alternate-refs", cwd=world.tree("agent"), ok=False)
    assert world.sprung()
    world.everything()
    assert not world.sprung()
    assert not world.errors


def test_names_that_look_like_options(world: World) -> None:
    evil = f"--upload-pack={world.trap}"
    projects.register(world.ctx, str(world.repository))
    world.make("agent")
    tree = world.tree("agent")
    git("fetch", ".", evil, cwd=world.repository, ok=False)
    assert world.sprung(), "a naive command takes the name for an option"
    for name in ("-x", "--all", "--output=out", "-", "--", evil.replace("/", "_")):
        (tree / name).write_text("x\n")
    for name in ("-x", "--all"):
        (tree / ".git/refs/heads" / name).write_text(git("rev-parse", "HEAD", cwd=tree) + "\n")
    nested = tree / ".git/refs/heads" / evil
    nested.parent.mkdir(parents=True, exist_ok=True)
    nested.write_text(git("rev-parse", "HEAD", cwd=tree) + "\n")
    world.everything()
    assert not world.sprung()
    assert not world.errors
    names = git("ls-tree", "--name-only", "main", cwd=world.repository).splitlines()
    assert {"-x", "--all", "--output=out", "-", "--"} <= set(names)
    assert not (world.repository / "out").exists()
