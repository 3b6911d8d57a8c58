"""News from where a project came from, and names of commits.

A project registered by path follows its repository: the tip of a branch is one small file
there, and only a tip that `base` does not know costs more. A project registered by URL has
two lines a branch: `refs/remotes/origin/B`, the remote's, and `refs/heads/B`, the *landed*
line that merges move. A fetch moves the landed line along as long as it is behind; once the
two have parted the landed line stays, nothing of it is dropped, and `parted` tells.
"""

import os
import re
from collections.abc import Callable

from carrel.domain.projects import Project, SourceKind
from carrel.domain.records import dataclass
from carrel.errors import BadInputError, FailedError, NotFoundError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.nofollow import Below
from carrel.git.refs import Move, checked_branch
from carrel.git.storing import intake, remote
from carrel.git.storing.remote import CLOSED, Access
from carrel.git.storing.sources import Repository, repository
from carrel.git.storing.stores import Stores
from carrel.system import faults, locks

_HEX = re.compile(r"[0-9a-f]{7,64}")
_LARGEST_REF = 4096
_STEPS = re.compile(r"(?P<name>.+?)(?P<steps>(?:[~^][0-9]{0,6})*)")


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class News:
    """How a look at a remote is made.

    Attributes:
        fetch: Ask the remote (URL projects only); without it what is known is used.
        access: What the user lends.
        say: Told, in a sentence, when the remote could not be asked.
    """

    fetch: bool = False
    access: Access = CLOSED
    say: Callable[[str], None] = _silent


def refresh(
    stores: Stores,
    project: Project,
    branch: str,
    *,
    fetch: bool = False,
    news: News | None = None,
) -> str:
    """Return the newest commit of a branch, which `base` has afterwards.

    Args:
        stores: The project's stores.
        project: The project.
        branch: Short name of a branch.
        fetch: Ask the remote of a project registered by URL. A remote that can't be reached is
            no error here: what is known is used, and `news.say` is told.
        news: The same in detail.

    Raises:
        NotFoundError: `branch_missing` or `repository_gone`.
        BadInputError: `bad_branch`.
    """
    wanted = f"refs/heads/{checked_branch(branch)}"
    how = news or News(fetch=fetch)
    if project.kind is SourceKind.URL:
        if how.fetch:
            _tolerantly_fetch(stores, project, how)
        found = refs.tip(stores.base, wanted)
    else:
        found = _follow(stores, repository(project.source), wanted)
    if found is None:
        raise NotFoundError(
            "branch_missing",
            f"{project.source} has no branch {branch!r}.",
            cure="Look at its branches with 'git branch', and name one of them.",
        )
    return found


def fetch_all(stores: Stores, project: Project, access: Access = CLOSED) -> None:
    """Bring everything new from a project's origin into `base`.

    Raises:
        FailedError: `remote_unreachable`.
    """
    if project.kind is SourceKind.PATH:
        _import(stores, repository(project.source), ())
        return
    with locks.held(stores.lock_path("upstream"), timeout=access.timeout):
        remote.fetch(stores.base, project.source, access)
        faults.point("upstream.fetched")
        _advance_landed(stores)


def parted(stores: Stores, project: Project, branch: str) -> str | None:
    """Return the remote's tip if it has commits that the landed line lacks, and vice versa."""
    if project.kind is SourceKind.PATH:
        return None
    landed = refs.tip(stores.base, f"refs/heads/{branch}")
    theirs = refs.tip(stores.base, f"refs/remotes/origin/{branch}")
    if landed is None or theirs is None or _contains(stores.base, landed, theirs):
        return None
    return None if _contains(stores.base, theirs, landed) else theirs


def start(
    stores: Stores, project: Project, ref: str, *, fetch: bool, news: News | None = None
) -> tuple[str, str | None]:
    """Return the commit that `ref` names, and the branch if it names one to merge into.

    Raises:
        NotFoundError: `unknown_revision`.
        BadInputError: `bad_revision`.
    """
    how = news or News(fetch=fetch)
    _checked(ref)
    if project.kind is SourceKind.URL and how.fetch:
        _tolerantly_fetch(stores, project, how)
    where = _where(stores, project)
    if _is_branch(ref) and refs.tip(where, f"refs/heads/{ref}") is not None:
        return refresh(stores, project, ref), _another_name(where.git_dir, ref) or ref
    return resolve(stores, project, ref), None


def resolve(stores: Stores, project: Project, revision: str) -> str:
    """Return the commit that a person names: a branch, tag, remote branch or object id.

    A branch comes before a tag, and both before an abbreviated id; `~2` and `^1` may follow.
    Everything else that git would understand (reflogs, searches in messages, paths, ranges)
    is refused, since it means something else from one moment to the next.

    Raises:
        NotFoundError: `unknown_revision`.
        BadInputError: `bad_revision`.
    """
    name, steps = _checked(revision)
    where = _where(stores, project)
    oid = _named(stores, where, name)
    if oid is not None and project.kind is SourceKind.PATH and not _known(stores, oid):
        _import(stores, repository(project.source), (oid,))
    found = oid and stores.vault_reader.info(f"{oid}^{{commit}}{steps}")
    if not found:
        raise NotFoundError(
            "unknown_revision",
            f"{revision!r} names no commit of {project.name}.",
            cure="Name a branch, a tag or a commit; 'git log --oneline --all' shows them.",
        )
    return found.oid


def refuse_symbolic(project: Project, branch: str) -> None:
    """Refuse a target that is another branch's alias: that one may be checked out, and move.

    Raises:
        BadInputError: `branch_symbolic`.
    """
    real = _another_name(repository(project.source).common, checked_branch(branch))
    if real is not None:
        raise BadInputError(
            "branch_symbolic",
            f"{branch!r} is only another name of {real!r}.",
            cure=f"Name {real!r} itself.",
        )


def branch_exists(stores: Stores, project: Project, name: str) -> bool:
    """Tell whether a branch can't be made where merges land: it, or one in its way, exists."""
    return refs.taken(_where(stores, project), f"refs/heads/{name}")


def mirror(stores: Stores, ref: str, oid: str) -> bool:
    """Let a reference of `base` be `oid`, whatever it was; False where another is in its way."""
    return refs.tip(stores.base, ref) == oid or refs.write_mirror(stores.base, ref, oid)


def _where(stores: Stores, project: Project) -> Git:
    if project.kind is SourceKind.URL:
        return stores.base
    return intake.foreign(repository(project.source))


def _another_name(git_dir: str, branch: str) -> str | None:
    """Return the branch that a symbolic one leads to; None for an ordinary branch."""
    with Below(git_dir) as below:
        path = os.fsencode(f"{git_dir}/refs/heads/{branch}")
        text = below.small(path, _LARGEST_REF) or b""
    lead = b"ref: refs/heads/"
    return os.fsdecode(text.removeprefix(lead).strip()) if text.startswith(lead) else None


def _follow(stores: Stores, where: Repository, ref: str) -> str | None:
    oid = refs.tip(intake.foreign(where), ref)
    if oid is None:
        return None
    if not stores.in_base(oid):
        _import(stores, where, (oid,))
    if not mirror(stores, ref, oid):  # a branch that is gone there is in the way here
        _import(stores, where, ())
    return oid


def _import(stores: Stores, where: Repository, more: tuple[str, ...]) -> None:
    """Take over all branches and tags, and `more`; `base` then mirrors the branches and tags."""
    with locks.held(stores.lock_path("upstream"), timeout=600.0):
        if more and all(stores.in_base(oid) for oid in more):
            return  # somebody else has just done it
        intake.inspect(where)
        theirs = refs.listing(intake.foreign(where), "refs/heads/", "refs/tags/")
        ours = refs.listing(stores.base, "refs/heads/", "refs/tags/")
        intake.take_in(stores.base, where, {*theirs.values(), *more}, ours.values())
        faults.point("upstream.imported")
        present = refs.present(stores.base, theirs)
        gone = [Move(ref, "", ours[ref]) for ref in ours if ref not in theirs]
        moved = [
            Move(ref, oid, ours.get(ref, refs.zeros(stores.width)))
            for ref, oid in present.items()
            if ours.get(ref) != oid
        ]
        # Names that go leave first: a branch `a` may have become `a/b`. A lost race is none:
        # whoever moved a mirror meanwhile saw the repository later than we did.
        stores.base_refs.move(gone)
        stores.base_refs.move(moved)


def _tolerantly_fetch(stores: Stores, project: Project, how: News) -> None:
    try:
        fetch_all(stores, project, how.access)
    except FailedError as error:
        if error.code not in {"remote_unreachable", "program_timeout", "lock_busy"}:
            raise
        how.say(f"{error.what} {error.why} What was fetched last is used.")


def _advance_landed(stores: Stores) -> None:
    """Move each landed line that is behind its remote line."""
    lead = "refs/remotes/origin/"
    for ref, theirs in refs.listing(stores.base, lead).items():
        branch = ref.replace(lead, "refs/heads/", 1)
        landed = refs.tip(stores.base, branch)
        if landed == theirs:
            continue
        if landed is None or _contains(stores.base, theirs, landed):
            old = landed or refs.zeros(stores.width)
            stores.base_refs.move([Move(branch, theirs, old)])


def _contains(git: Git, tip: str, commit: str) -> bool:
    return git.run("merge-base", "--is-ancestor", commit, tip, ok=(0, 1)).code == 0


def _known(stores: Stores, oid: str) -> bool:
    return stores.vault_reader.info(oid) is not None


def _is_branch(name: str) -> bool:
    try:
        return bool(checked_branch(name))
    except BadInputError:
        return False


def _checked(revision: str) -> tuple[str, str]:
    found = _STEPS.fullmatch(revision)
    name = found["name"] if found else ""
    if found is None or not (_is_branch(name) or name == "HEAD"):
        raise BadInputError(
            "bad_revision",
            f"{revision!r} is not a branch, a tag or a commit.",
            cure="Name one of those; '~2' or '^1' may follow.",
        )
    return name, found["steps"]


def _named(stores: Stores, where: Git, name: str) -> str | None:
    short = name.removeprefix("refs/")
    places = (
        ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/remotes/origin/", "refs/")
        if name != "HEAD"
        else ("",)
    )
    for place in places:
        found = refs.tip(where, place + short)
        if found is not None:
            return found
    if not _HEX.fullmatch(name):
        return None
    known = stores.vault_reader.info(f"{name}^{{commit}}")
    if known is not None:
        return known.oid
    done = where.run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", ok=(0, 1, 128)
    )
    return done.out.decode().strip() or None if done.code == 0 else None
