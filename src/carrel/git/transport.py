"""Moving objects between stores.

Few objects are found and packed in this process, through resident readers: a process of git
costs more than they do. Many objects go through `pack-objects` and `index-pack --strict`.
Either way a pack becomes visible as a whole, by renaming its index last.
"""

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from carrel.errors import FailedError
from carrel.git import refs
from carrel.git.gateway import Git
from carrel.git.intake import publish
from carrel.git.objects import SUBMODULE, TREE, PackWriter, Reader, parse_tree
from carrel.git.stores import Stores
from carrel.system import faults

FEW = 2000
_LARGE = 8_000_000
_STAGING = "carrel-transport-"


def copy(source: Git, target: Git, tips: Sequence[str], known: Sequence[str]) -> None:
    """Copy what is reachable from `tips` and not from `known`, by two processes of git.

    Args:
        source: Store that has the tips.
        target: Store that gets them.
        tips: Object ids.
        known: Object ids that `target` has with all below them; others are passed over.

    Raises:
        FailedError: `git_failed`: an object is missing, damaged or malformed; nothing of the
            rest is visible then.
    """
    objects = f"{target.git_dir}/objects"
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=objects) as staging:
        feed = "\n".join([*tips, "--not", *_had(source, known)]) + "\n"
        done = source.run(
            "pack-objects",
            "--revs",
            "--quiet",
            "--window=0",
            "--delta-base-offset",
            "--stdout",
            stdin=feed.encode(),
        )
        faults.point("transport.packed")
        pack = f"{staging}/new.pack"
        with open(pack, "xb") as file:
            file.write(done.out)
        del done
        name = target.text("index-pack", "--strict", pack).rpartition("\t")[2]
        faults.point("transport.checked")
        publish(f"{staging}/new", f"{objects}/pack/pack-{name}")


@dataclass(slots=True)
class Transfer:
    """Copies the objects of new commits from a resident reader into stores that lack them.

    Attributes:
        source: Reads the objects.
        width: Bytes of an object id.
        found: Object id to kind and bytes, of what was read so far.
    """

    source: Reader
    width: int
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])

    def missing(self, target: Reader, tip: str, known: str | None) -> list[str] | None:
        """Return what `target` lacks of a commit; None when that is too much for this way.

        What `target` has, it has with everything below it.

        Args:
            target: Reads the store that shall get it.
            tip: A commit.
            known: A commit that `target` has and that resembles `tip`: whole folders that
                are the same need no question.
        """
        if target.info(tip) is not None:
            return []
        lacking: list[str] = []
        level: list[tuple[str, str | None]] = [(tip, known)]
        seen = {tip}
        while level:
            lacking += [oid for oid, _ in level]
            if len(lacking) > FEW or not self._read([oid for oid, _ in level]):
                return None
            below = [child for child in self._children(level) if child[0] not in seen]
            unique = dict(below)
            seen |= unique.keys()
            infos = target.infos(list(unique))
            level = [
                (oid, like)
                for (oid, like), info in zip(unique.items(), infos, strict=True)
                if not info
            ]
        return lacking

    def write(self, objects_dir: str, oids: Iterable[str]) -> str | None:
        """Write objects as one pack; return its name without suffix."""
        writer = PackWriter(objects_dir, self.width)
        for oid in oids:
            kind, data = self.found[oid]
            if writer.add(kind, data) != oid:
                raise FailedError(
                    "store_damaged",
                    f"The bytes of object {oid} do not fit its name.",
                    cure="Run 'carrel doctor'; the store is damaged.",
                )
        faults.point("transport.few")
        return writer.flush()

    def _read(self, oids: Sequence[str]) -> bool:
        new = [oid for oid in oids if oid not in self.found]
        sizes = [info.size if info else 0 for info in self.source.infos(new)]
        if sum(sizes) > _LARGE:
            return False
        for info, data in self.source.read_many(new):
            self.found[info.oid] = (info.kind, data)
        return True

    def _children(self, level: Sequence[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        """Give what is directly below some objects, each with its like in what is known."""
        likes = sorted({like for _, like in level if like})
        alike = {info.oid: data for info, data in self.source.read_many(likes)}
        out: list[tuple[str, str | None]] = []
        for oid, like in level:
            kind, data = self.found[oid]
            other = alike.get(like or "")
            if kind == "commit":
                out += self._of_commit(data, other)
            elif kind == "tree":
                out += self._of_tree(data, other)
        return out

    def _of_commit(self, data: bytes, other: bytes | None) -> list[tuple[str, str | None]]:
        tree, parents = _links(data)
        like = _links(other)[0] if other is not None else None
        known = [(tree, like)] if tree != like else []
        return [*known, *((parent, None) for parent in parents)]

    def _of_tree(self, data: bytes, other: bytes | None) -> list[tuple[str, str | None]]:
        before = parse_tree(other, self.width) if other is not None else {}
        out: list[tuple[str, str | None]] = []
        for name, entry in parse_tree(data, self.width).items():
            old = before.get(name)
            if entry.mode == SUBMODULE or (old is not None and old.oid == entry.oid):
                continue
            like = old.oid if old is not None and old.mode == entry.mode == TREE else None
            out.append((entry.oid, like))
        return out


def adopt_pack(name: str, objects_dir: str, owner: int | None = None) -> None:
    """Let a second store have a pack: by a hard link where possible, else by a copy.

    Args:
        name: Path of the pack without suffix.
        objects_dir: Object folder of the other store.
        owner: User that must own the files there.
    """
    folder = f"{objects_dir}/pack"
    os.makedirs(folder, exist_ok=True)
    for suffix in (".pack", ".idx"):
        goal = f"{folder}/{os.path.basename(name)}{suffix}"
        if owner is None:
            try:
                os.link(name + suffix, goal)
            except FileExistsError:
                continue
            except OSError:  # another file system, or one without links
                _copied(name + suffix, goal, owner)
        else:
            _copied(name + suffix, goal, owner)
        faults.point("transport.adopted")


def pack_private(stores: Stores, commit: str, folder: str) -> None:
    """Write what a commit of the vault needs and `base` lacks as a pack into `folder`."""
    known = refs.listing(stores.base, "refs/")
    feed = "\n".join([commit, "--not", *sorted(set(known.values()))]) + "\n"
    stores.vault.run(
        "pack-objects",
        "--revs",
        "--local",
        "--quiet",
        "--window=0",
        "--delta-base-offset",
        f"{folder}/pack",
        stdin=feed.encode(),
    )


def _copied(path: str, goal: str, owner: int | None) -> None:
    temporary = f"{goal}.{os.getpid()}.tmp"
    with open(path, "rb") as source, open(temporary, "wb") as file:
        while chunk := source.read(1 << 20):
            file.write(chunk)
        file.flush()
        if owner is not None:
            os.fchown(file.fileno(), owner, -1)
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
    os.rename(temporary, goal)


def _had(source: Git, known: Sequence[str]) -> list[str]:
    feed = "".join(f"{oid}\n" for oid in known).encode()
    out = source.run("cat-file", "--batch-check=%(objectname)", stdin=feed).out if known else b""
    return [line.decode() for line in out.splitlines() if not line.endswith(b" missing")]


def _links(commit: bytes) -> tuple[str, list[str]]:
    head = commit.partition(b"\n\n")[0].split(b"\n")
    tree = head[0].removeprefix(b"tree ").decode()
    return tree, [line[7:].decode() for line in head[1:] if line.startswith(b"parent ")]
