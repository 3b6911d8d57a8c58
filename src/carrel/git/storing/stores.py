"""The two object stores of a project.

`base` holds upstream history only, never shrinks, and is all that workspaces borrow from.
`vault` borrows from `base` and holds what Carrel and its agents make: checkpoints, salvaged
work, losing sides of merges. Workspaces do not know that it exists.
"""

import os
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager

from carrel.domain.projects import SourceKind
from carrel.errors import BadInputError, NotFoundError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.nofollow import read_bounded
from carrel.git.objects import Reader
from carrel.git.refs import Refs, checked_branch
from carrel.git.storing import intake, remote
from carrel.git.storing.remote import Access
from carrel.git.storing.sources import Repository, Source, repository
from carrel.system import faults, locks
from carrel.system.erase import erase

_NEW = ".new-"
_PRIVATE = 0o700
_PATIENCE = 20.0  # seconds for an answer about a repository that is not ours


class Stores:
    """Both stores of one project, with their resident processes. Safe for threads.

    Attributes:
        home: Folder of the project.
        base: Git on upstream history.
        vault: Git on what was made here.
        base_reader: Reads objects of `base`.
        vault_reader: Reads objects of both.
        base_refs: Moves references of `base`.
        vault_refs: Moves references of `vault`.
        width: Bytes of an object id: 20, or 32 for SHA-256.
    """

    def __init__(self, home: str) -> None:
        config = read_bounded(f"{home}/base.git/config")
        if config is None:
            raise NotFoundError(
                "stores_missing",
                f"The stores of the project in {home} are not there.",
                cure="Put the folder back, or register the repository anew with 'carrel init'.",
            )
        self.home = home
        self.width = 32 if b"objectformat = sha256" in config else 20
        self.base = Git(f"{home}/base.git")
        self.vault = Git(f"{home}/vault.git")
        self.base_reader = Reader(self.base)
        self.vault_reader = Reader(self.vault)
        self.base_refs = Refs(self.base)
        self.vault_refs = Refs(self.vault)
        self._foreign: dict[str, tuple[Reader, Refs]] = {}
        self._in_base: set[str] = set()
        self._lock = threading.Lock()

    @property
    def default_branch(self) -> str:
        """The branch that workspaces start from when none is named."""
        words = read_bounded(f"{self.base.git_dir}/HEAD") or b""
        return os.fsdecode(words.strip()).removeprefix("ref: refs/heads/")

    def in_base(self, oid: str) -> bool:
        """Tell whether `base` has an object; what it has, it has with everything below."""
        if oid in self._in_base:
            return True
        found = self.base_reader.info(oid) is not None
        if found:
            self._in_base.add(oid)
        return found

    def foreign(self, git_dir: str, user: int | None = None) -> tuple[Reader, Refs]:
        """Return a resident reader and mover of references of the user's own repository."""
        with self._lock:
            found = self._foreign.get(git_dir)
            if found is None:
                git = Git(git_dir, timeout=_PATIENCE, user=user)
                found = self._foreign[git_dir] = (Reader(git), Refs(git))
            return found

    def start(self) -> None:
        """Start the processes that a checkpoint needs, all at once: they get ready together."""
        self.vault_reader.start()
        self.vault_refs.start()

    def lock_path(self, name: str) -> str:
        """Return the path of a lock of this project."""
        folder = f"{self.home}/locks"
        os.makedirs(folder, exist_ok=True)
        return f"{folder}/{name}.lock"

    def close(self) -> None:
        """End the resident processes; the next question starts others."""
        with self._lock:
            foreign, self._foreign = list(self._foreign.values()), {}
        for reader, mover in foreign:
            reader.close()
            mover.close()
        self.base_reader.close()
        self.vault_reader.close()
        self.base_refs.close()
        self.vault_refs.close()


def create(
    home: str, source: Source, *, branch: str | None = None, access: Access | None = None
) -> Stores:
    """Make the stores of a project, or return those that are there.

    They are built beside `home` and renamed, so they are complete or not there at all; what
    a killed attempt left is swept by the next.

    Args:
        home: Folder of the project, made here.
        source: From `sources.parse`.
        branch: Branch that workspaces start from; None takes the repository's own.
        access: What the user lends for reaching a remote.

    Raises:
        BadInputError: `empty_repository`, `shallow_repository`, `partial_clone`,
            `detached_head`.
        NotFoundError: `branch_missing`.
        RefusedError: `foreign_objects`, `repository_unsafe`.
        FailedError: `remote_unreachable`, `repository_damaged`.
    """
    above, name = os.path.split(home)
    os.makedirs(above, exist_ok=True)
    _sweep(above)
    if not os.path.isdir(home):
        with _drafted(above, name) as draft:
            _build(draft, source, branch, access or Access(credential=source.credential))
            faults.point("stores.built")
            _settle(draft, home)
    return Stores(home)


@contextmanager
def _drafted(above: str, name: str) -> Generator[str]:
    """Hold a folder to build in, which goes away when that fails."""
    while True:
        draft = f"{above}/{_NEW}{name}-{secrets.token_hex(4)}"
        os.mkdir(draft)
        try:
            lock = locks.acquire(draft, folder=True)
            break
        except FileNotFoundError:  # somebody's sweep was quicker than our lock
            continue
    try:
        yield draft
    except BaseException:
        erase(draft)
        raise
    finally:
        locks.release(lock)


def _settle(draft: str, home: str) -> None:
    try:
        os.rename(draft, home)
    except OSError:
        if not os.path.isdir(f"{home}/base.git"):
            raise
        erase(draft)  # somebody else was quicker, with the same source


def _sweep(above: str) -> None:
    for name in os.listdir(above):
        if not name.startswith(_NEW):
            continue
        try:
            handle = locks.try_acquire(f"{above}/{name}", folder=True)
        except (FileNotFoundError, NotADirectoryError):  # somebody else swept it; or no folder
            continue
        if handle is not None:  # its builder is dead
            try:
                erase(f"{above}/{name}")
            finally:
                locks.release(handle)


def _build(draft: str, source: Source, branch: str | None, access: Access) -> None:
    for folder in ("layers", "locks"):
        os.mkdir(f"{draft}/{folder}")
    if source.kind is SourceKind.PATH:
        where = repository(source.location)
        intake.inspect(where)
        form = intake.object_format(where)
        base = _skeleton(f"{draft}/base.git", form)
        heads, chosen = _from_path(base, where, branch)
    else:
        probe = _skeleton(f"{draft}/probe.git", "sha1")
        form = remote.object_format(probe, source.location, access)
        erase(probe.git_dir)
        base = _skeleton(f"{draft}/base.git", form)
        heads, chosen = _from_url(base, source.location, access, branch)
    faults.point("stores.base")
    _write(f"{base.git_dir}/packed-refs", refs.format_packed(heads))
    _write(f"{base.git_dir}/HEAD", f"ref: refs/heads/{chosen}\n".encode())
    vault = _skeleton(f"{draft}/vault.git", form)
    _write(f"{vault.git_dir}/objects/info/alternates", b"../../base.git/objects\n")
    _write(f"{vault.git_dir}/HEAD", b"ref: refs/heads/none\n")
    os.chmod(vault.git_dir, _PRIVATE)


def _from_path(base: Git, where: Repository, branch: str | None) -> tuple[dict[str, str], str]:
    git = intake.foreign(where)
    found = refs.listing(git, "refs/heads/", "refs/tags/")
    heads = [ref for ref in found if ref.startswith("refs/heads/")]
    if not heads:
        raise _empty(where.location)
    own = read_bounded(f"{where.common}/HEAD") or b""
    head = os.fsdecode(own.strip()).removeprefix("ref: refs/heads/")
    chosen = _chosen(where.location, heads, branch, head)
    intake.take_in(base, where, found.values(), ())
    present = refs.present(base, found)
    if f"refs/heads/{chosen}" not in present:
        raise _missing(where.location, chosen, heads)
    return present, chosen


def _from_url(
    base: Git, url: str, access: Access, branch: str | None
) -> tuple[dict[str, str], str]:
    own = remote.default_branch(base, url, access)
    remote.fetch(base, url, access)
    found = refs.listing(base, "refs/")
    lead = "refs/remotes/origin/"
    landed = {
        ref.replace(lead, "refs/heads/", 1): oid
        for ref, oid in found.items()
        if ref.startswith(lead)
    }
    if not landed:
        raise _empty(url)
    return found | landed, _chosen(url, list(landed), branch, own or "")


def _chosen(location: str, heads: list[str], branch: str | None, head: str) -> str:
    names = {ref.removeprefix("refs/heads/") for ref in heads}
    if branch is not None:
        if checked_branch(branch) in names:
            return branch
        raise _missing(location, branch, heads)
    for name in (head, "main", "master"):
        if name in names:
            return name
    if len(names) == 1:
        return names.pop()
    raise BadInputError(
        "detached_head",
        f"{location} has no branch checked out, so it is unclear where to start.",
        why=f"Its branches are: {', '.join(sorted(names)[:10])}.",
        cure="Name a branch, or check one out there.",
    )


def _missing(location: str, branch: str, heads: list[str]) -> NotFoundError:
    names = sorted(ref.removeprefix("refs/heads/") for ref in heads)
    return NotFoundError(
        "branch_missing",
        f"{location} has no branch {branch!r}.",
        why=f"Its branches are: {', '.join(names[:10])}.",
        cure="Name one of those, or make it first.",
    )


def _empty(location: str) -> BadInputError:
    return BadInputError(
        "empty_repository",
        f"{location} has no commit yet.",
        cure="Make a first commit there, then try again.",
    )


def config_text(form: str, *, bare: bool) -> str:
    """Return the configuration of a repository of ours.

    Args:
        form: `sha1` or `sha256`.
        bare: Without a work tree.
    """
    version = 1 if form == "sha256" else 0
    lines = [
        "[core]",
        f"\trepositoryformatversion = {version}",
        "\tfilemode = true",
        f"\tbare = {str(bare).lower()}",
        f"\tlogAllRefUpdates = {str(not bare).lower()}",
        "[gc]",
        "\tauto = 0",
        "[maintenance]",
        "\tauto = false",
    ]
    if version:
        lines += ["[extensions]", f"\tobjectformat = {form}"]
    return "\n".join(lines) + "\n"


def _skeleton(git_dir: str, form: str) -> Git:
    for folder in ("", "/objects", "/objects/info", "/objects/pack", "/refs", "/refs/heads"):
        os.mkdir(git_dir + folder)
    _write(f"{git_dir}/config", config_text(form, bare=True).encode())
    _write(f"{git_dir}/HEAD", b"ref: refs/heads/main\n")
    return Git(git_dir)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
