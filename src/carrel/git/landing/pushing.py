"""Pushing what landed: asked for in advance whether it can succeed, and safe to repeat."""

import os
from dataclasses import replace

from carrel.domain.projects import Project, SourceKind
from carrel.errors import BadInputError, FailedError, RefusedError
from carrel.git.ancestry import is_ancestor
from carrel.git.gateway import Git
from carrel.git.landing import clones
from carrel.git.storing import remote, upstream
from carrel.git.storing.remote import CLOSED, Access
from carrel.git.storing.sources import Repository, Source, parse, repository
from carrel.git.storing.stores import Stores


def push(stores: Stores, project: Project, branch: str, *, access: Access = CLOSED) -> None:
    """Push a branch as it has landed; nothing happens when the remote has it.

    Raises:
        BadInputError: `no_remote`.
        FailedError: `remote_unreachable`, `push_refused`, or `push_behind`.
    """
    url, lent = _where_to(project, access)
    oid = upstream.refresh(stores, project, branch)
    if not remote.push(stores.base, url, oid, branch, lent):
        raise FailedError(
            "push_behind",
            f"{branch} has moved on at {url}.",
            why="Somebody pushed to it at the same moment.",
            cure="Merge again with --push: it tells how to bring those commits in.",
        )


def push_landed(stores: Stores, project: Project, branch: str, access: Access) -> None:
    """Push what has just landed in the user's repository; a failure says that it is there.

    Raises:
        BadInputError: `no_remote`.
        FailedError: As `push`.
    """
    try:
        push(stores, project, branch, access=access)
    except FailedError as error:
        raise FailedError(
            error.code,
            error.what,
            why=f"{error.why} The merge itself is in {branch} of {project.source}.",
            cure=error.cure,
        ) from error


def refuse_behind(stores: Stores, project: Project, branch: str, tip: str, access: Access) -> None:
    """Refuse, before anything lands in the user's repository, what could not be pushed.

    Raises:
        BadInputError: `no_remote`.
        FailedError: `remote_unreachable`.
        RefusedError: `branch_parted`.
    """
    url, lent = _where_to(project, access)
    theirs = remote.tip(stores.base, url, branch, lent)
    if theirs is None or _contains(stores, tip, theirs):
        return
    where = repository(project.source)
    pull = f"'git -C {where.location} pull --no-rebase origin {branch}'"
    joining = f"'git -C {where.location} fetch origin', then {_joined(branch, theirs)}"
    raise RefusedError(
        "branch_parted",
        f"{branch} has commits at {url} that it lacks in {where.location}.",
        why="They could not be pushed over, so nothing was merged.",
        cure=f"Bring them in with {pull if clones.showing(where, branch) else joining}, then "
        "merge again with --push.",
    )


def refuse_parted(stores: Stores, project: Project, branch: str) -> None:
    """Refuse, before anything lands in the store, what could not be pushed.

    Raises:
        RefusedError: `branch_parted`.
    """
    theirs = upstream.parted(stores, project, branch)
    if theirs is not None:
        raise RefusedError(
            "branch_parted",
            f"{branch} has landed merges that origin lacks, and origin has commits it lacks.",
            cure=f"Join them: {_joined(branch, theirs)}, then merge again with --push.",
        )


def _joined(branch: str, theirs: str) -> str:
    name = f"join-{theirs[:8]}"  # a name of its own, for the next time they part
    return f"'carrel new {name} --from origin/{branch}', then 'carrel merge {name} --into {branch}'"


def _contains(stores: Stores, tip: str, theirs: str) -> bool:
    return stores.base_reader.info(theirs) is not None and is_ancestor(stores, theirs, tip)


def _where_to(project: Project, access: Access) -> tuple[str, Access]:
    if project.kind is not SourceKind.PATH:
        return project.source, access
    origin = _origin(repository(project.source))
    return origin.location, replace(access, credential=origin.credential)


def _origin(where: Repository) -> Source:
    git = Git(where.common, timeout=30.0)
    told = git.run("config", "--get", "remote.origin.url", ok=(0, 1))
    url = os.fsdecode(told.out.rstrip(b"\n"))
    if told.code or not url:
        raise BadInputError(
            "no_remote",
            f"{where.location} has no remote 'origin' to push to.",
            cure="Add one with 'git remote add origin URL', or merge without --push.",
        )
    path = os.path.join(where.location, url)
    return parse(f"file://{os.path.realpath(path)}" if os.path.isdir(path) else url)
