"""Taking objects over from somebody's repository, without obeying a word of its configuration.

Git runs on *our* store and sees the foreign object folder as one more place to look; the
foreign configuration is never read. Only what is reachable from the wanted tips is copied,
and every byte of it is hashed anew before it becomes visible.
"""

import os
import tempfile
from collections.abc import Iterable, Sequence

from carrel.errors import BadInputError, FailedError, RefusedError
from carrel.git.gateway import Git
from carrel.git.nofollow import read_bounded
from carrel.git.specials import refuse_special
from carrel.git.storing.sources import Repository
from carrel.system import faults

_LONG = 3600.0
_GONE = 30.0
_STAGING = "carrel-intake-"


def inspect(repository: Repository) -> None:
    """Refuse a repository that could make git hang, or hand us other people's objects.

    Raises:
        RefusedError: `foreign_objects`, `repository_unsafe`.
        BadInputError: `shallow_repository`, `partial_clone`.
    """
    place = repository.common
    _refuse_foreign(place)
    for name in ("HEAD", "config", "packed-refs", "shallow"):
        refuse_special(f"{place}/{name}", folders=False)
    for folder in ("refs", "objects"):
        _refuse_specials_below(f"{place}/{folder}")
    if read_bounded(f"{place}/shallow"):
        raise BadInputError(
            "shallow_repository",
            f"{repository.location} is a shallow clone: its history is cut off.",
            cure=f"Complete it with 'git -C {repository.location} fetch --unshallow'.",
        )
    if any(name.endswith(".promisor") for name in _names(f"{place}/objects/pack")):
        raise BadInputError(
            "partial_clone",
            f"{repository.location} is a partial clone: some of its objects are elsewhere.",
            cure="Complete it with 'git fetch --refetch --no-filter', or register its URL.",
        )


def object_format(repository: Repository) -> str:
    """Return `sha1` or `sha256`."""
    return foreign(repository).text("rev-parse", "--show-object-format") or "sha1"


def foreign(repository: Repository) -> Git:
    """Return a `Git` for looking at references of somebody's repository."""
    return Git(repository.common, timeout=_GONE)


def take_in(base: Git, repository: Repository, tips: Iterable[str], known: Iterable[str]) -> None:
    """Copy what is reachable from `tips` and not from `known` into `base`.

    Args:
        base: Our store.
        repository: Inspected already.
        tips: Object ids; those that the repository lacks are left out.
        known: Object ids that `base` has with everything below them.

    Raises:
        FailedError: `repository_damaged`.
    """
    objects = f"{base.git_dir}/objects"
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=objects) as staging:
        both = os.pathsep.join(
            _quoted(place) for place in (objects, f"{repository.common}/objects")
        )
        env = {"GIT_OBJECT_DIRECTORY": staging, "GIT_ALTERNATE_OBJECT_DIRECTORIES": both}
        git = base.with_(env={**base.env, **env}, timeout=_LONG)
        wanted = _present(git, sorted(set(tips)))
        if not wanted:
            return
        feed = "".join(f"{oid}\n" for oid in wanted) + "--not\n"
        feed += "".join(f"{oid}\n" for oid in sorted(set(known)))
        try:
            done = git.run(
                "pack-objects",
                "--revs",
                "--quiet",
                "--window=0",
                "--delta-base-offset",
                f"{staging}/new",
                stdin=feed.encode(),
            )
        except FailedError as error:
            raise _damaged(repository, error.why) from error
        name = done.out.decode().strip()
        faults.point("intake.packed")
        if name and os.path.exists(f"{staging}/new-{name}.pack"):
            _proven(base, repository, f"{staging}/new-{name}")
            publish(f"{staging}/new-{name}", f"{objects}/pack/pack-{name}")


def publish(staged: str, name: str) -> None:
    """Move a pack and its index into a store; the index last, since it makes them visible."""
    os.makedirs(os.path.dirname(name), exist_ok=True)
    for suffix in (".pack", ".rev", ".idx"):
        if os.path.exists(staged + suffix):
            _sync(staged + suffix)
            faults.point("intake.publish")
            os.rename(staged + suffix, name + suffix)


def _proven(base: Git, repository: Repository, staged: str) -> None:
    """Hash every object: the index built from the bytes must equal the one that was claimed."""
    claimed = f"{staged}.claimed"
    os.rename(f"{staged}.idx", claimed)
    try:
        base.with_(timeout=_LONG).run("index-pack", "-o", f"{staged}.idx", f"{staged}.pack")
    except FailedError as error:
        raise _damaged(repository, error.why) from error
    if not _same(claimed, f"{staged}.idx"):
        raise _damaged(repository, "An object's bytes do not fit its name.")


def _same(one: str, other: str) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        return first.read() == second.read()


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _present(git: Git, tips: Sequence[str]) -> list[str]:
    feed = "".join(f"{oid}\n" for oid in tips).encode()
    lines = git.run("cat-file", "--batch-check=%(objectname)", stdin=feed).out.split(b"\n")
    return [line.decode() for line in lines if line and not line.endswith(b" missing")]


def _refuse_foreign(place: str) -> None:
    for name in ("objects", "objects/info", "objects/pack"):
        if os.path.islink(f"{place}/{name}"):
            raise _foreign_objects(place, f"{place}/{name} is a link.")
    alternates = f"{place}/objects/info/alternates"
    refuse_special(alternates, folders=False)
    words = read_bounded(alternates)
    if (words and words.strip()) or (words is None and os.path.lexists(alternates)):
        raise _foreign_objects(place, f"It borrows objects, named in {alternates}.")


def _foreign_objects(place: str, why: str) -> RefusedError:
    return RefusedError(
        "foreign_objects",
        f"{place} does not hold all of its objects itself.",
        why=why,
        cure="Make it complete with 'git repack -a -d' there, delete that file, and try again.",
    )


def _refuse_specials_below(top: str) -> None:
    """Refuse pipes, sockets and devices: git would wait for them for ever."""
    todo = [top]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    refuse_special(entry.path, folders=False)


def _damaged(repository: Repository, why: str) -> FailedError:
    return FailedError(
        "repository_damaged",
        f"Objects of {repository.location} are missing or damaged.",
        why=why,
        cure=f"Look at it with 'git -C {repository.location} fsck'.",
    )


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _quoted(path: str) -> str:
    """Quote as git does, since a colon would start the next folder."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
