"""Taking in what an occupant committed, staged or stashed by itself.

Its git directory is never trusted: tips are read as plain files, its configuration is never
obeyed, it may borrow objects from nobody but us, and its objects are checked by
`index-pack --strict` on their way into the vault, where they are kept by object id.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress

from carrel.domain.records import dataclass
from carrel.errors import FailedError, RefusedError
from carrel.git.capturing.ownobjects import OwnObjects, quoted
from carrel.git.capturing.plainobjects import taken_in
from carrel.git.capturing.subject import Subject
from carrel.git.capturing.tips import GitFolder, Tips, read_tips
from carrel.git.nofollow import Below
from carrel.git.objects import TREE, Entry, PackWriter, parse_tree
from carrel.git.refs import Move, tip
from carrel.system import faults

_TIMEOUT = 120.0
_MOST_ALONE = 50
_CONFIG = (
    "-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false",
    "-c", "pack.useBitmaps=false", "-c", "pack.window=0", "-c", "pack.compression=1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an occupant made by itself, as far as it is in the vault now.

    Attributes:
        head: Its HEAD, or None when it has none that could be taken in.
        branches: Its branches: full reference name and object id, sorted.
        skipped: What could not be read or taken in, with the reason.
    """

    head: str | None
    branches: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]


def adopt(tree: Subject) -> Adopted:
    """Take an occupant's own commits into the vault; repeating it costs little.

    Args:
        tree: The workspace.

    Raises:
        RefusedError: `foreign_alternate` when its repository borrows from a stranger's.
    """
    home, project = Below(tree.home()), Below(os.fsencode(tree.place.project_home))
    with home, project:
        folders = [
            (home if one.startswith(home.root + b"/") else project, one) for one in tree.git_dirs()
        ]
        own = OwnObjects(*folders[0], [one for _, one in folders[1:]])
        if not own.git_is_folder():
            why = "it is no folder any more, so no commits were adopted from it"
            return Adopted(None, (), ((".git", why),))
        tips = read_tips(GitFolder(folders))
        own.refuse_foreign(f"{tree.place.base}/objects")
        if own.any():
            _Adoption(tree, own, tips).run()
    branches = sorted(pair for pair in tips.refs.items() if pair[0].startswith("refs/heads/"))
    head = _stored_head(tree, tips.head)
    return Adopted(head, tuple(branches), tuple(dict.fromkeys(tips.skipped)))


def _stored_head(tree: Subject, head: str | None) -> str | None:
    """Return a HEAD if it is a commit of the vault; what the tree stands on is one for sure."""
    if head is None or head == tree.place.layer:
        return head
    found = tree.stores.vault_reader.info(head)
    return head if found is not None and found.kind == "commit" else None


class _Adoption:
    """One transfer from a workspace's own objects into the vault."""

    def __init__(self, tree: Subject, own: OwnObjects, tips: Tips) -> None:
        self.tree = tree
        self.own = own
        self.tips = tips
        self.stores = tree.stores
        self.reader = tree.stores.vault_reader
        self.prefix = f"refs/carrel/ws/{tree.place.workspace_id}/tips/"
        self.marker = f"{tree.place.home}/adopting"
        self.loose: dict[str, bytes] = {}
        self.fresh: set[str] = set()

    def run(self) -> None:
        wanted = self.tips.all()
        loose = self.loose = self.own.loose()
        present = self._present(wanted | loose.keys() | self.tips.upstream)
        interrupted = os.path.lexists(self.marker)
        new = {oid for oid in loose if oid not in present}
        if interrupted:
            new |= {oid for oid in loose if not self.stores.in_base(oid)}
        missing = wanted - present
        if missing or new:
            # An object in the vault without a reference could be pruned; the marker makes the
            # next adoption pin what this one may leave unpinned.
            with open(self.marker, "wb"):
                pass
            faults.point("adopt.marked")
            self._transfer(missing, new - wanted - present, present)
            faults.point("adopt.stored")
        self._pin(wanted, new)
        if missing or new or interrupted:
            with suppress(FileNotFoundError):
                os.unlink(self.marker)

    def _present(self, oids: Iterable[str]) -> set[str]:
        """Return those objects that the vault has already."""
        asked = sorted(set(oids))
        return {oid for oid, found in zip(asked, self.reader.infos(asked), strict=True) if found}

    def _transfer(self, missing: set[str], loose: set[str], present: set[str]) -> None:
        if self._take_plain(missing | loose):
            return
        known = present & (set(self.tips.refs.values()) | self.tips.upstream)
        try:
            self._move({*missing, *loose}, known)
        except FailedError:
            sound = self.own.sound(loose)
            if sound != loose:
                count = len(loose) - len(sound)
                self.tips.skipped.append((".git/objects", f"{count} objects are damaged"))
            self._one_by_one(missing, sound)

    def _take_plain(self, wanted: set[str]) -> bool:
        """Take them in without a process, if all are plain loose objects of our own user."""
        if self.own.other_user() is not None:
            return False  # git reads with the occupant's rights, and only with those
        paths = {oid: path for oid, path in self.loose.items() if oid in wanted}
        stored = dict(zip(paths, self.own.stored(paths.values()), strict=True))
        done = taken_in(wanted, stored, f"{self.tree.place.vault}/objects", self.reader)
        if done:
            self.fresh |= wanted
        return done

    def _one_by_one(self, missing: set[str], loose: set[str]) -> None:
        """Take in what can be, so that one broken reference doesn't hold up the others."""
        names = {oid: name for name, oid in self.tips.refs.items()}
        if self.tips.head is not None:
            names.setdefault(self.tips.head, "HEAD")
        ordered = sorted(missing, key=lambda oid: (oid not in names, oid))
        for oid in ordered[:_MOST_ALONE]:
            try:
                self._move({oid}, set())
            except FailedError as error:
                name = names.get(oid, f"object {oid}")
                self.tips.skipped.append((f".git/{name}", f"it can't be adopted: {error.why}"))
        for oid in ordered[_MOST_ALONE:]:
            self.tips.skipped.append((f".git object {oid}", "too many broken ones before it"))
        try:
            self._move(loose, set())
        except FailedError as error:
            self.tips.skipped.append((".git/objects", f"loose objects: {error.why}"))

    def _move(self, wanted: set[str], known: set[str]) -> None:
        if not wanted:
            return
        feed = "".join(f"{oid}\n" for oid in sorted(wanted))
        feed += "".join(f"^{oid}\n" for oid in sorted(known))
        lenders = [*self.own.lenders(), f"{self.tree.place.base}/objects"]
        theirs = self.stores.base.with_(
            env={
                "GIT_OBJECT_DIRECTORY": os.fsdecode(self.own.objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(quoted(one) for one in lenders),
            },
            timeout=_TIMEOUT,
            user=self.own.other_user(),
        )
        pack = theirs.run(
            *_CONFIG, "pack-objects", "--revs", "--local", "--stdout", "--quiet",
            stdin=feed.encode(),
        ).out  # fmt: skip
        # What changed while git read it must not have been read from a stranger.
        self.own.refuse_foreign(f"{self.tree.place.base}/objects")
        self.stores.vault.with_(timeout=_TIMEOUT).run(
            "index-pack", "--strict", "--stdin", "--fix-thin", stdin=pack
        )

    def _pin(self, wanted: set[str], loose: set[str]) -> None:
        """Keep every tip that nothing newer leads to, and what is merely staged."""
        kinds = self._commits_of(oid for oid in wanted if not self._is_kept(oid))
        parents = {parent for found in kinds.values() for parent in found}
        pins = {oid for oid in kinds if oid not in parents}
        parcel = self._parcel(loose, kinds.keys())
        moves = [
            Move(self.prefix + oid, oid)
            for oid in sorted(pins | ({parcel} if parcel else set[str]()))
            if tip(self.stores.vault, self.prefix + oid) != oid
        ]
        moves += [Move(self.prefix + oid, "", oid) for oid in self._pinned() & parents]
        if not self.stores.vault_refs.move(moves):
            raise RefusedError(
                "adoption_raced",
                f"The commits made in {self.tree.place.workspace_id} were not all kept.",
                why="Another process adopted them at the same moment.",
                cure="Try again; nothing is lost.",
            )
        faults.point("adopt.pinned")

    def _is_kept(self, oid: str) -> bool:
        """Tell whether an object needs no reference: upstream's, or what the head stands on."""
        if oid == self.tree.place.layer:
            return True
        return oid not in self.fresh and self.stores.in_base(oid)

    def _pinned(self) -> set[str]:
        try:
            return set(os.listdir(f"{self.tree.place.vault}/{self.prefix}"))
        except FileNotFoundError:
            return set()

    def _commits_of(self, oids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return objects of the vault, each with what it leads to if it is a commit."""
        found: dict[str, tuple[str, ...]] = {}
        for oid in oids:
            info = self.reader.info(oid)
            if info is not None:
                commit = info.kind == "commit"
                found[oid] = self.reader.commit(oid).parents if commit else ()
        return found

    def _parcel(self, oids: set[str], tips: AbstractSet[str]) -> str:
        """Return a tree that holds the objects nothing leads to; staged files above all."""
        led_to: set[str] = set()
        alone: dict[str, str] = {}
        for oid in sorted(oids):
            info = self.reader.info(oid)
            if info is None:
                continue
            if oid not in tips:
                alone[oid] = info.kind
            if info.kind in {"tree", "commit", "tag"}:
                led_to |= self._leads_to(oid, info.kind)
        entries = [
            (oid.encode(), Entry(TREE if kind == "tree" else 0o100644, oid))
            for oid, kind in alone.items()
            if oid not in led_to and kind in {"tree", "blob"}
        ]
        if not entries:
            return ""
        writer = PackWriter(f"{self.tree.place.vault}/objects", self.stores.width)
        parcel = writer.tree(entries)
        writer.flush()
        return parcel

    def _leads_to(self, oid: str, kind: str) -> set[str]:
        data = self.reader.read(oid)[1]
        if kind == "tree":
            return {entry.oid for entry in parse_tree(data, self.stores.width).values()}
        head = data.partition(b"\n\n")[0].split(b"\n")
        keys = (b"tree ", b"parent ", b"object ")
        return {line.split(b" ")[1].decode() for line in head if line.startswith(keys)}
