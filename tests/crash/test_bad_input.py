"""Bad input and locked files: a clear error with its cure, and nothing changed.

"Nothing" is looked at from outside: every row of the database, every reference and folder of
the state, every file of the user's repository, its `.git` included.
"""

import base64
import os
import sqlite3
import subprocess
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.guarded import Guard, guarding

from carrel.bootstrap import open_context
from carrel.control import checkpoints, cleanup, ledger, merging, projects, workspaces
from carrel.control.context import Context
from carrel.control.finding import find
from carrel.control.merging import MergeRequest
from carrel.control.workspaces import Request
from carrel.errors import CarrelError

pytestmark = pytest.mark.crash

SECRET = "s3cret/t0ken"


def git(*arguments: str, cwd: Path | str, who: bool = True) -> str:
    known = ["-c", "user.name=U", "-c", "user.email=u@example.org"] if who else []
    return subprocess.run(
        ["git", *known, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


@dataclass
class World:
    """A user's repository, a state folder, and one agent at work."""

    top: Path
    ctx: Context

    @property
    def repository(self) -> Path:
        return self.top / "project"

    def other(self, name: str) -> Path:
        """Return a second repository with one commit."""
        made = self.top / name
        made.mkdir()
        git("init", "-q", "-b", "main", cwd=made)
        (made / "f").write_text("f\n")
        git("add", "-A", cwd=made)
        git("commit", "-q", "-m", "one", cwd=made)
        return made

    def tree(self) -> Path:
        return Path(find(self.ctx, "agent").working_directory)

    def snapshot(self, *, visible: bool = False) -> dict[str, object]:
        """Return all that a refused action must leave alone.

        Args:
            visible: Without objects that nothing refers to, and without the reference that
                keeps what is about to be removed: both may come before what is refused.
        """
        database = sqlite3.connect(self.top / "state/carrel.db")
        rows = list(database.iterdump())
        database.close()
        stores = sorted((self.top / "state/projects").glob("*/*.git"))
        listed = ("for-each-ref", *(["refs/carrel/ws", "refs/heads"] if visible else []))
        refs = {str(one): git(f"--git-dir={one}", *listed, cwd="/") for one in stores}
        user = files_of(self.repository)
        if visible:
            user = {name: one for name, one in user.items() if "/.git/objects" not in name}
        folders = sorted(
            str(path)
            for pattern in ("projects/*", "projects/*/layers/*", "workspaces/*")
            for path in (self.top / "state").glob(pattern)
        )
        return {
            "rows": rows,
            "refs": refs,
            "folders": folders,
            "user": user,
            "agent": files_of(self.tree()),
        }


def files_of(top: Path) -> dict[str, object]:
    """Return every file below a folder with its mode and content."""
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_mode, content)
    return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in [name for name in os.environ if name.startswith(("CARREL_", "WORKSPACE_"))]:
        if name not in ("CARREL_REAL", "CARREL_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARREL_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CARREL_WORKSPACE_DISK_THRESHOLD_GB", "0")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))  # no identity anywhere
    made = World(tmp_path, open_context(actor="test"))
    projects.register(made.ctx, str(made.other("project")))
    workspaces.create(made.ctx, Request(agent_id="agent"))
    (made.tree() / "f").write_text("by the agent\n")
    checkpoints.checkpoint(made.ctx, find(made.ctx, "agent"))
    yield made
    for workspace in workspaces.listing(made.ctx, everything=True):
        made.ctx.driver(workspace).withdraw(made.ctx.place(workspace))
    made.ctx.close()


def refused(
    world: World, action: Callable[[], object], code: str, *, visible: bool = False
) -> CarrelError:
    """Do something that must fail, and change nothing."""
    before = world.snapshot(visible=visible)
    with pytest.raises(CarrelError) as caught:
        action()
    error = caught.value
    assert error.code == code, str(error)
    assert error.what.endswith("."), error.what
    assert error.cure.endswith("."), error.cure
    assert "Errno" not in str(error)
    assert world.snapshot(visible=visible) == before
    return error


# --- registering ----------------------------------------------------------------------------------


def _folder(world: World) -> str:
    (world.top / "plain").mkdir()
    return str(world.top / "plain")


def _file(world: World) -> str:
    (world.top / "file").write_text("x")
    return str(world.top / "file")


def _empty(world: World) -> str:
    (world.top / "empty").mkdir()
    git("init", "-q", cwd=world.top / "empty")
    return str(world.top / "empty")


def _bare_empty(world: World) -> str:
    git("init", "-q", "--bare", str(world.top / "empty.git"), cwd="/")
    return str(world.top / "empty.git")


def _half(world: World) -> str:
    made = world.other("half")
    (made / ".git/HEAD").unlink()
    return str(made)


def _detached(world: World) -> str:
    made = world.other("detached")
    git("branch", "-m", "one", cwd=made)
    git("branch", "two", cwd=made)
    git("checkout", "-q", "--detach", cwd=made)
    return str(made)


def _locked_file(world: World) -> str:
    made = world.other("damaged")
    oid = git("rev-parse", "HEAD:f", cwd=made)
    (made / ".git/objects" / oid[:2] / oid[2:]).unlink()
    return str(made)


REGISTER: dict[str, tuple[Callable[[World], str], str]] = {
    "a folder": (_folder, "not_a_repository"),
    "a file": (_file, "not_a_repository"),
    "nothing": (lambda world: str(world.top / "nothing"), "path_missing"),
    "an empty repository": (_empty, "empty_repository"),
    "an empty bare one": (_bare_empty, "empty_repository"),
    "half a repository": (_half, "not_a_repository"),
    "a detached head": (_detached, "detached_head"),
    "a missing object": (_locked_file, "repository_damaged"),
    "an unreachable path": (lambda _: "file:///nowhere/x.git", "remote_unreachable"),
    "an unreachable host": (lambda _: "http://127.0.0.1:9/x.git", "remote_unreachable"),
    "a program": (lambda world: f"ext::sh -c 'touch {world.top}/sprung'", "bad_source"),
    "an option": (lambda world: f"--upload-pack=touch {world.top}/sprung", "bad_source"),
    "an option as host": (
        lambda world: f"ssh://-oProxyCommand=touch {world.top}/sprung/x",
        "bad_source",
    ),
    "control characters": (lambda _: "https://host/x\n.git", "bad_source"),
    "emptiness": (lambda _: "", "bad_source"),
}


@pytest.mark.parametrize("case", REGISTER)
def test_what_is_no_repository(world: World, case: str) -> None:
    made, code = REGISTER[case]
    source = made(world)
    refused(world, lambda: projects.register(world.ctx, source), code)
    if code != "remote_unreachable":  # the same by way of a new workspace
        wanted = Request(agent_id="new", repo_url=source or "\n")
        refused(world, lambda: workspaces.create(world.ctx, wanted), code)
    assert not (world.top / "sprung").exists()


BAD_NAMES = ("", "-x", "--help", "a/b", "..", ".a", "a..b", "a b", "a\n", "x" * 101, "ä", "a.lock")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names(world: World, name: str) -> None:
    refused(world, lambda: workspaces.create(world.ctx, Request(agent_id=name)), "bad_name")
    if name:
        source = str(world.other("second"))
        refused(world, lambda: projects.register(world.ctx, source, name=name), "bad_name")


@pytest.mark.parametrize(
    ("branch", "code"),
    [
        ("nope", "branch_missing"),
        ("-x", "bad_branch"),
        ("a..b", "bad_branch"),
        ("x.lock", "bad_branch"),
    ],
)
def test_branches_of_a_new_project(world: World, branch: str, code: str) -> None:
    source = str(world.other("second"))
    refused(world, lambda: projects.register(world.ctx, source, branch=branch), code)


# --- work -----------------------------------------------------------------------------------------

_Do = Callable[[World], object]


def _new(**more: object) -> _Do:
    return lambda world: workspaces.create(world.ctx, replace(Request(agent_id="new"), **more))


def _agent(action: Callable[..., object], *arguments: object, **more: object) -> _Do:
    return lambda world: action(world.ctx, find(world.ctx, "agent"), *arguments, **more)


WORK: dict[str, tuple[_Do, str]] = {
    "start at no branch": (_new(branch="nope"), "unknown_revision"),
    "start at an option": (_new(branch="--all"), "bad_revision"),
    "start at a range": (_new(branch="main..main"), "bad_revision"),
    "start before the start": (_new(branch="main~9"), "unknown_revision"),
    "start at a file": (_new(branch="main:f"), "bad_revision"),
    "no such parent": (_new(parent="nobody"), "unknown_workspace"),
    "no such project": (_new(project="nothing"), "unknown_project"),
    "no such driver": (_new(driver="floppy"), "unknown_driver"),
    "a container": (_new(use_docker=True), "no_container_backend"),
    "the same in other words": (_new(agent_id="AGENT", branch="nope"), "workspace_differs"),
    "iteration below zero": (_agent(checkpoints.checkpoint, iteration=-1), "bad_iteration"),
    "no such checkpoint": (_agent(checkpoints.restore, "99"), "unknown_checkpoint"),
    "an option as checkpoint": (_agent(checkpoints.restore, "--all"), "unknown_checkpoint"),
    "merge into nothing": (_agent(merging.merge, MergeRequest(into="nope")), "branch_missing"),
    "merge into an option": (_agent(merging.merge, MergeRequest(into="--all")), "bad_branch"),
    "merge into itself": (
        _agent(merging.merge, MergeRequest(into="carrel/agent")),
        "merge_into_itself",
    ),
    "not in the trash": (
        lambda world: cleanup.restore_from_trash(world.ctx, "agent"),
        "unknown_workspace",
    ),
    "unmerged work": (_agent(cleanup.remove, preserve_branch=False), "unmerged_work"),
}


@pytest.mark.parametrize("case", WORK)
def test_bad_requests(world: World, case: str) -> None:
    action, code = WORK[case]
    refused(world, lambda: action(world), code)


# --- locked ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lock", "code"),
    [
        ("index.lock", "target_in_use"),
        ("refs/heads/main.lock", "repository_locked"),
        ("HEAD.lock", "target_in_use"),
        ("packed-refs.lock", None),
    ],
)
def test_a_lock_of_gits_in_the_users_clone(world: World, lock: str, code: str | None) -> None:
    held = world.repository / ".git" / lock
    held.write_text("")
    action = _agent(merging.merge, MergeRequest())
    if code is not None:
        refused(world, lambda: action(world), code, visible="refs" in lock)
    else:
        action(world)
    assert held.read_text() == "", "a lock that may be somebody's was taken away"
    held.unlink()
    action(world)
    assert git("show", "main:f", cwd=world.repository) == "by the agent"
    assert git("status", "--porcelain", cwd=world.repository) == ""


def test_a_lock_on_the_branch_that_stays(world: World) -> None:
    held = world.repository / ".git/refs/heads/carrel/agent.lock"
    held.parent.mkdir(exist_ok=True)
    held.write_text("")
    action = _agent(cleanup.remove)
    refused(world, lambda: action(world), "repository_locked", visible=True)
    held.unlink()
    action(world)
    assert git("show", "carrel/agent:f", cwd=world.repository) == "by the agent"


def test_a_detached_head_of_the_user_is_no_hindrance(world: World) -> None:
    git("checkout", "-q", "--detach", cwd=world.repository)
    before = git("rev-parse", "HEAD", cwd=world.repository)
    merging.merge(world.ctx, find(world.ctx, "agent"), MergeRequest())
    assert git("rev-parse", "HEAD", cwd=world.repository) == before
    assert git("show", "main:f", cwd=world.repository) == "by the agent"
    assert git("status", "--porcelain", cwd=world.repository) == ""


def test_nobody_has_an_identity(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    tree = world.tree()
    git("config", "user.useConfigOnly", "true", cwd=tree)
    with pytest.raises(subprocess.CalledProcessError):  # plain git wants to know
        git("commit", "-q", "-a", "-m", "x", cwd=tree, who=False)
    (tree / "f").write_text("more\n")
    done = checkpoints.checkpoint(world.ctx, find(world.ctx, "agent"), iteration=1)
    merging.merge(world.ctx, find(world.ctx, "agent"), MergeRequest())
    who = git("log", "-1", "--format=%an <%ae>", done.commit_sha, cwd=world.repository)
    assert who == "Carrel <carrel@localhost>"


# --- a credential in a URL ------------------------------------------------------------------------


@pytest.fixture
def guarded(world: World) -> Iterator[Guard]:
    served = world.top / "served/x.git"
    git("clone", "-q", "--bare", str(world.repository), str(served), cwd="/")
    git("update-server-info", cwd=served)
    with guarding(served.parent, SECRET) as guard:
        yield guard


def nowhere(world: World, *texts: str, running: list[bytes] | None = None) -> None:
    """Check that the secret, however it is written, is in no file, text, or process list."""
    encoded = base64.b64encode(f"ada:{SECRET}".encode())
    for form in (SECRET.encode(), SECRET.replace("/", "%2F").encode(), encoded):
        for text in texts:
            assert form.decode() not in text
        assert not any(form in line for line in running or ())
        for path in (world.top / "state").rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert form not in path.read_bytes(), path


def test_a_credential_leaves_no_trace(world: World, guarded: Guard) -> None:
    url = f"http://ada:{SECRET.replace('/', '%2F')}@{guarded.address}/x.git"
    made = workspaces.create(world.ctx, Request(agent_id="far", repo_url=url))
    assert guarded.served
    assert guarded.running
    checkpoints.checkpoint(world.ctx, made)
    told = [repr(event) for event in ledger.events(world.ctx)]
    config = git("config", "--list", cwd=made.working_directory)
    origin = git("remote", "-v", cwd=made.working_directory)
    told += [config, origin, repr(projects.listing(world.ctx))]
    nowhere(world, *told, running=guarded.running)
    cleanup.remove(world.ctx, made)


def test_a_wrong_credential_is_not_repeated(world: World, guarded: Guard) -> None:
    url = f"http://eve:{SECRET.replace('/', '%2F')}@{guarded.address}/x.git"
    wanted = Request(agent_id="far", repo_url=url)
    error = refused(world, lambda: workspaces.create(world.ctx, wanted), "remote_unreachable")
    assert guarded.running
    assert "eve" not in error.what
    nowhere(world, str(error), *traceback.format_exception(error), running=guarded.running)


def test_a_credential_that_is_of_no_use_is_not_repeated(world: World) -> None:
    for url in (
        f"ssh://ada:{SECRET}@127.0.0.1/x.git",
        f"ada:{SECRET}@127.0.0.1:x.git",
        f"git://ada:{SECRET}@127.0.0.1/x.git",
        f"https://127.0.0.1/x.git?token={SECRET}",
    ):
        with pytest.raises(CarrelError) as caught:
            projects.register(world.ctx, url)
        nowhere(world, str(caught.value))
