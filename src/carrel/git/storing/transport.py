"""Moving objects between stores.

Few objects are found and packed in this process: a process of git costs more than they do,
and what lies compressed in a pack of ours is copied as it is. Many objects go through
`pack-objects` and `index-pack --strict`.
Either way a pack becomes visible as a whole, by renaming its index last.
"""

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import field

from carrel.domain.records import dataclass
from carrel.errors import FailedError, NotFoundError
from carrel.git import refs
from carrel.git.forest import FOLDER, Forest
from carrel.git.gateway import Git
from carrel.git.objects import Commit, PackWriter, Reader, parse_commit
from carrel.git.packs import packed_objects
from carrel.git.reachable import only_in
from carrel.git.storing.intake import publish
from carrel.git.storing.stores import Stores
from carrel.git.throwaway import objects_folder
from carrel.system import faults

FEW = 2000
_LARGE = 8_000_000
_STAGING = "carrel-transport-"
_SUBMODULE = b"160000"
_LIKES = 2


def copy(source: Git, target: Git, tips: Sequence[str], known: Sequence[str]) -> str:
    """Copy what is reachable from `tips` and not from `known`, by two processes of git.

    Args:
        source: Store that has the tips.
        target: Store of ours that gets them.
        tips: Object ids.
        known: Object ids that `target` has with all below them; others are passed over.

    Returns:
        The new pack's path without suffix.

    Raises:
        FailedError: `git_failed`: an object is missing, damaged or malformed; nothing of the
            rest is visible then.
    """
    objects = f"{target.git_dir}/objects"
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=objects) as staging:
        feed = "\n".join([*tips, "--not", *_had(source, known)]) + "\n"
        done = source.run(
            "pack-objects", "--revs", "--quiet", "--window=0", "--delta-base-offset", "--stdout",
            stdin=feed.encode(),
        )  # fmt: skip
        faults.point("transport.packed")
        pack = f"{staging}/new.pack"
        with open(pack, "xb") as file:
            file.write(done.out)
        del done
        name = target.text("index-pack", "--strict", pack).rpartition("\t")[2]
        faults.point("transport.checked")
        publish(f"{staging}/new", f"{objects}/pack/pack-{name}")
    return f"{objects}/pack/pack-{name}"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Something that may be lacking.

    Attributes:
        mode: As a tree has it.
        likes: What is of that mode at the same place of commits that are not lacking.
    """

    mode: bytes
    likes: tuple[str, ...]


@dataclass(slots=True)
class Transfer:
    """Copies the objects of new commits from a resident reader into stores that lack them.

    Attributes:
        source: Reads the objects.
        width: Bytes of an object id.
        fresh: What no store has yet; it is written along.
    """

    source: Reader
    width: int
    fresh: PackWriter = field(default_factory=lambda: PackWriter(""))

    def beyond(self, tip: str, known: str) -> list[str] | None:
        """Return what a commit has and another one lacks; None when that is too much.

        No store is asked: who has a commit has everything below it. What stood elsewhere in
        the other commit, or in its past, may be named all the same; then a store has it twice.

        Args:
            tip: A commit.
            known: A commit that all have who shall get the objects.
        """
        try:
            commits = only_in(self._commit, tip, known)
        except NotFoundError:  # git names what is missing
            return None
        if commits is None:
            return None
        lacking = dict.fromkeys(commits)
        level: dict[str, _Wanted] = {}
        for oid in commits:
            commit = self._commit(oid)
            likes = tuple(self._commit(parent).tree for parent in commit.parents)
            if commit.tree not in likes:
                level[commit.tree] = _Wanted(FOLDER, likes)
        while level and len(lacking) <= FEW:
            news = {oid: wanted for oid, wanted in level.items() if oid not in lacking}
            lacking |= dict.fromkeys(news)
            level = self._below({oid: one for oid, one in news.items() if one.mode == FOLDER})
        return list(lacking) if len(lacking) <= FEW else None

    def missing(self, targets: Sequence[Reader], tip: str) -> list[str] | None:
        """Return what any of the targets lacks of a commit; None when that is too much.

        What a store has, it has with everything below it. Something new at a place that was
        there before is not asked for: a store looks for what it lacks in all its packs, anew
        each time. Should a store have it all the same, it has it twice.

        Args:
            targets: Read the stores that shall get it.
            tip: A commit.
        """
        lacking, had = self._commits(targets, tip)
        likes = tuple(self._commit(one).tree for one in had)
        level = {self._commit(oid).tree: _Wanted(FOLDER, likes) for oid in lacking}
        seen = set(likes)
        while level and len(lacking) <= FEW:
            level = {oid: wanted for oid, wanted in level.items() if oid not in seen}
            seen |= level.keys()
            doubtful = [oid for oid, wanted in level.items() if not wanted.likes]
            there = set(doubtful).difference(self._lacking(targets, doubtful))
            news = [oid for oid in level if oid not in there]
            lacking += news
            level = self._below({oid: level[oid] for oid in news if level[oid].mode == FOLDER})
        return lacking if len(lacking) <= FEW else None

    def write(self, objects_dir: str, oids: Iterable[str]) -> str | None:
        """Write objects, and what is fresh, as one pack.

        Returns:
            The pack's path without suffix; None when there is nothing, or far too much.

        Raises:
            FailedError: `store_damaged`.
            NotFoundError: `object_missing`.
        """
        writer = PackWriter(objects_dir, self.width)
        writer.waiting |= self.fresh.waiting
        wanted = [oid for oid in oids if oid not in writer.waiting]
        packed = packed_objects(objects_folder(self.source.git), wanted, self.width)
        rest = [oid for oid in wanted if oid not in packed]
        size = sum(len(one.data) for one in packed.values())
        if size + self._size(rest) > _LARGE:
            return None
        writer.waiting |= packed
        for info, data in self.source.read_many(rest):
            if writer.add(info.kind, data) != info.oid:
                raise FailedError(
                    "store_damaged",
                    f"The bytes of object {info.oid} do not fit its name.",
                    cure="Run 'carrel doctor'; the store is damaged.",
                )
        faults.point("transport.few")
        return writer.flush()

    def _commit(self, oid: str) -> Commit:
        waiting = self.fresh.pending(oid)
        return self.source.commit(oid) if waiting is None else parse_commit(waiting)

    def _lacking(self, targets: Sequence[Reader], names: list[str]) -> list[str]:
        answers = [target.infos(names) for target in targets] if names else []
        return [oid for oid, *had in zip(names, *answers, strict=True) if not all(had)]

    def _size(self, oids: Sequence[str]) -> int:
        return sum(info.size if info else 0 for info in self.source.infos(oids))

    def _commits(self, targets: Sequence[Reader], tip: str) -> tuple[list[str], list[str]]:
        """Return the commits that are lacking, and some that are not.

        What stands below the former hardly differs from what stands below the latter.
        """
        lacking: list[str] = []
        had: list[str] = []
        seen, level = {tip}, [tip]
        while level and len(lacking) <= FEW:
            news = self._lacking(targets, level)
            lacking += news
            had += [one for one in level if one not in news]
            above = [one for oid in news for one in self._commit(oid).parents]
            level = [one for one in dict.fromkeys(above) if one not in seen]
            seen.update(level)
        return lacking, had[:_LIKES]

    def _below(self, trees: dict[str, _Wanted]) -> dict[str, _Wanted]:
        """Give what stands below some trees and below none of their likes."""
        forest = Forest(self.source, self.width, self.fresh)
        forest.load([*trees, *(like for wanted in trees.values() for like in wanted.likes)])
        out: dict[str, _Wanted] = {}
        for oid, wanted in trees.items():
            before = [forest.entries(like) for like in wanted.likes]
            news = list(forest.entries(oid).items())
            for one in before:
                news = [(name, raw) for name, raw in news if one.get(name) != raw]
            for name, (mode, new) in news:
                if mode != _SUBMODULE:
                    there = [one[name] for one in before if name in one]
                    likes = [old.hex() for kind, old in there if kind == mode]
                    out[new.hex()] = _Wanted(mode, tuple(dict.fromkeys(likes)))
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
