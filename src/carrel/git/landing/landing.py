"""Landing a merge: where a project came from, its branch moves to the merge commit.

For a project registered by path that is the user's own repository; for one registered by URL
the landed line in `base`, and with a push the remote. A branch only moves from the very
commit the merge was made on; a lost race is no error but a reason to merge again.
"""

import os
from datetime import datetime
from functools import partial

from carrel.domain.projects import Project, SourceKind
from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.landing import checkouts, clones, pushing
from carrel.git.objects import PackWriter
from carrel.git.refs import Move, checked_branch
from carrel.git.specials import refuse_special
from carrel.git.storing import remote, upstream
from carrel.git.storing.remote import CLOSED, Access
from carrel.git.storing.sources import Repository, repository
from carrel.git.storing.stores import Stores
from carrel.git.storing.transport import Transfer, adopt_pack, copy
from carrel.system import faults

_NAMES = 50


def tip(
    stores: Stores,
    project: Project,
    branch: str,
    *,
    fetch: bool = False,
    access: Access = CLOSED,
) -> str:
    """Return the commit that a merge into a branch must be made on; `base` has it afterwards.

    Args:
        stores: The project's stores.
        project: The project.
        branch: Target branch.
        fetch: The merge will be pushed: ask the remote first.
        access: What the user lends.

    Raises:
        NotFoundError: `branch_missing`.
        BadInputError: `bad_branch` or `branch_symbolic`.
            `no_remote` when there is nowhere to push to.
        FailedError: `remote_unreachable`.
        RefusedError: `branch_parted` when a push could not succeed, since the remote's branch
            has commits that the target lacks.
    """
    if project.kind is SourceKind.PATH:
        upstream.refuse_symbolic(project, branch)
        found = upstream.refresh(stores, project, branch)
        if fetch:
            pushing.refuse_behind(stores, project, branch, found, access)
        return found
    if fetch:
        upstream.fetch_all(stores, project, access)
        pushing.refuse_parted(stores, project, branch)
    return upstream.refresh(stores, project, branch)


def commit(  # noqa: PLR0913 - what a commit consists of
    stores: Stores,
    *,
    tree: str,
    parents: tuple[str, ...],
    message: str,
    when: datetime,
    identity: tuple[str, str],
    fresh: PackWriter | None = None,
) -> str:
    """Write a commit into the vault and return its id; nothing refers to it yet.

    Args:
        stores: The project's stores.
        tree: Object id of its tree.
        parents: Object ids, the target's first.
        message: As it shall be stored.
        when: Author's and committer's date.
        identity: Name and e-mail.
        fresh: Takes the commit instead of the vault, to be handed to `land`.
    """
    who = "{} <{}> {} +0000".format(*(_plain(part) for part in identity), int(when.timestamp()))
    head = [f"tree {tree}", *(f"parent {one}" for one in parents)]
    text = "\n".join([*head, f"author {who}", f"committer {who}", "", message])
    data = text.replace("\0", "").encode(errors="surrogateescape")
    if fresh is not None:
        return fresh.add("commit", data)
    writer = PackWriter(f"{stores.vault.git_dir}/objects", stores.width)
    oid = writer.add("commit", data)
    writer.flush()
    return oid


def land(  # noqa: PLR0913 - from, to, and how
    stores: Stores,
    project: Project,
    branch: str,
    new: str,
    *,
    expected: str,
    fresh: PackWriter | None = None,
    push: bool = False,
    access: Access = CLOSED,
) -> bool:
    """Move a branch to a commit of the vault; False when it is no longer at `expected`.

    A target that is checked out in the user's clone is moved there with its files, if the
    clone is clean and not in use. Nothing has changed when this raises or returns False.

    Args:
        stores: The project's stores.
        project: The project.
        branch: Target branch.
        new: The commit to land.
        expected: Commit that the branch must have; empty when it must not exist.
        fresh: Objects below the commit, perhaps itself, that the vault is spared: they go
            straight to where the branch is.
        push: Push it to the remote as well.
        access: What the user lends.

    Raises:
        RefusedError: `target_dirty` or `target_in_use`.
        FailedError: `remote_unreachable` or `push_refused`: with a push for a URL project
            nothing landed; for a path project it landed there, and the push can be repeated.
    """
    move = Move(f"refs/heads/{checked_branch(branch)}", new, expected or refs.zeros(stores.width))
    cargo = _Cargo(stores, move, fresh or PackWriter("", stores.width))
    if project.kind is SourceKind.PATH:
        landed = _land_there(cargo, repository(project.source))
        if landed and push:
            pushing.push_landed(stores, project, branch, access)
        return landed
    return _land_here(cargo, project, push=push, access=access)


def check(stores: Stores, project: Project, branch: str, tree: str, *, expected: str) -> None:
    """Refuse what `land` would refuse because the target is checked out; nothing is written.

    Args:
        stores: The project's stores.
        project: The project.
        branch: Target branch.
        tree: What it would show: a tree of the vault.
        expected: Commit that the branch has.

    Raises:
        RefusedError: `target_dirty` or `target_in_use`.
    """
    if project.kind is not SourceKind.PATH or pending(stores):
        return  # a landing that died is put right by the next one, before it looks
    where = repository(project.source)
    shown = _shown(where, branch)
    if shown is not None:
        trees = checkouts.Trees(old=expected, new=tree)
        checkouts.check(stores, where, shown, f"refs/heads/{checked_branch(branch)}", trees)


def publish_branch(stores: Stores, project: Project, name: str, oid: str) -> str:
    """Leave a commit as an ordinary branch where merges land; return the branch's name.

    A branch of that name with another commit is never touched: a number is added. Repeating
    it finds the branch it made.

    Raises:
        FailedError: `branch_unwritable`.
    """
    if project.kind is SourceKind.PATH:
        where = repository(project.source)
        git = Git(where.common)
        _, mover = stores.foreign(where.common, checkouts.owner_of(where))
        _publish(stores, oid, where)
    else:
        git, mover = stores.base, stores.base_refs
        _publish(stores, oid, None)
    faults.point("publish.objects")
    flat = name.replace("/", "-")  # for where a branch 'carrel' leaves no room for 'carrel/x'
    names = [f"{base}{end}" for base in (name, flat) for end in ("", *_numbers())]
    for candidate in names:
        ref = f"refs/heads/{checked_branch(candidate)}"
        if refs.tip(git, ref) == oid:
            return candidate
        refuse_special(f"{git.git_dir}/logs/{ref}")
        if not refs.taken(git, ref) and mover.move([Move(ref, oid, refs.zeros(stores.width))]):
            return candidate
    raise FailedError(
        "branch_unwritable",
        f"No branch like {name} could be made in {project.source}.",
        why=f"{_NAMES} names were taken.",
        cure="Delete or rename old branches, then try again.",
    )


def start(stores: Stores, project: Project) -> None:
    """Start the process that a landing needs, beside others: they get ready together."""
    if project.kind is SourceKind.PATH:
        where = repository(project.source)
        stores.foreign(where.common, checkouts.owner_of(where))[1].start()
    else:
        stores.base_refs.start()


def pending(stores: Stores) -> bool:
    """Tell whether the process of a landing died while the user's files were written."""
    journals = f"{stores.home}/landings"
    return os.path.isdir(journals) and bool(os.listdir(journals))


def recover(stores: Stores, project: Project) -> list[str]:
    """Finish or take back landings whose process died; return what was done, in sentences."""
    if project.kind is not SourceKind.PATH or not os.path.isdir(f"{stores.home}/landings"):
        return []
    return checkouts.recover(stores, repository(project.source))


@dataclass(frozen=True, slots=True)
class _Cargo:
    """What lands: a move of a branch, and the objects that no store has yet."""

    stores: Stores
    move: Move
    fresh: PackWriter


def _land_there(cargo: _Cargo, where: Repository) -> bool:
    """Land in the user's repository: objects, then the branch, then our mirror of it."""
    stores, move = cargo.stores, cargo.move
    if os.path.isdir(f"{stores.home}/landings"):
        checkouts.recover(stores, where)
    if (refs.tip(Git(where.common), move.ref) or refs.zeros(stores.width)) != move.old:
        return False
    branch = move.ref.removeprefix("refs/heads/")
    refuse_special(f"{where.common}/logs/{move.ref}")
    shown = _shown(where, branch)
    owner = checkouts.owner_of(where)
    _, mover = stores.foreign(where.common, owner)
    share = partial(_share, _bring(cargo), where, owner)
    if shown is not None:
        moved = checkouts.update(stores, where, shown, move, checkouts.Hands(mover, share))
    else:
        share()
        faults.point("land.objects")
        moved = mover.move([move])
    if moved:
        faults.point("land.branch")
        upstream.mirror(stores, move.ref, move.new)
    return moved


def _shown(where: Repository, branch: str) -> clones.Checkout | None:
    """Return the one work tree that shows a branch; two would need to move at one instant."""
    shown = clones.showing(where, branch)
    if len(shown) > 1:
        raise clones.in_use(
            shown[1].work_tree, branch, f"it is checked out in {shown[0].work_tree}, too"
        )
    return shown[0] if shown else None


def _land_here(cargo: _Cargo, project: Project, *, push: bool, access: Access) -> bool:
    """Land in `base`; a push goes first, since only the remote can refuse for good."""
    stores, move = cargo.stores, cargo.move
    _bring(cargo)
    faults.point("land.objects")
    branch = move.ref.removeprefix("refs/heads/")
    if push:
        if (refs.tip(stores.base, move.ref) or refs.zeros(stores.width)) != move.old:
            return False
        if not remote.push(stores.base, project.source, move.new, branch, access):
            upstream.fetch_all(stores, project, access)
            return False
        faults.point("land.pushed")
        upstream.mirror(stores, f"refs/remotes/origin/{branch}", move.new)
    return stores.base_refs.move([move])


def _bring(cargo: _Cargo) -> str:
    """Let `base` have what lands, in one pack; return its name without suffix."""
    stores, move = cargo.stores, cargo.move
    transfer = Transfer(stores.vault_reader, stores.width, cargo.fresh)
    known = move.old if move.old.strip("0") else None
    lacking = transfer.beyond(move.new, known) if known else None
    name = transfer.write(_objects(stores.base), lacking) if lacking else None
    if name is None:
        transfer.write(_objects(stores.vault), ())
        name = copy(stores.vault, stores.base, [move.new], [known] if known else [])
    faults.point("land.base")
    return name


def _publish(stores: Stores, oid: str, where: Repository | None) -> None:
    """Let `base`, and the user's repository, have a commit of the vault, whatever they have."""
    readers, owner = [stores.base_reader], None
    if where is not None:
        owner = checkouts.owner_of(where)
        readers.append(stores.foreign(where.common, owner)[0])
    transfer = Transfer(stores.vault_reader, stores.width)
    lacking = transfer.missing(readers, oid)
    name = transfer.write(_objects(stores.base), lacking) if lacking else None
    if name is None and lacking != []:
        name = copy(stores.vault, stores.base, [oid], [])
    faults.point("land.base")
    if where is not None and name is not None:
        _share(name, where, owner)


def _share(name: str, where: Repository, owner: int | None) -> None:
    """Let the user's repository have a pack of `base`, too."""
    adopt_pack(name, f"{where.common}/objects", owner)
    faults.point("land.shared")


def _objects(git: Git) -> str:
    return f"{git.git_dir}/objects"


def _numbers() -> list[str]:
    return [f"-{number}" for number in range(2, _NAMES)]


def _plain(part: str) -> str:
    return "".join(letter for letter in part if letter not in "<>\n\0").strip() or "Carrel"
