"""The one scheduled job on a project's stores: fewer packs, fewer files, no leftovers.

Nothing is ever pruned here: an object may be borrowed by a workspace that no reference of ours
knows of. Small packs become one large one, and are deleted only after every object of theirs
has been seen in it. Readers that had them open go on; git looks again for what it misses.
"""

import contextlib
import os
import struct
import tempfile

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git.gateway import Git
from carrel.git.storing.intake import publish
from carrel.git.storing.stores import Stores
from carrel.system import faults, locks
from carrel.system.disk import stamping_moment
from carrel.system.erase import erase

MANY_PACKS = 16
MANY_LOOSE = 512
MANY_REFS = 256
_GROWTH = 2
_OLD = 3600.0
_YOUNG = 60.0  # a pack that may just be being shared with another repository
_STAGING = "carrel-maintain-"
_LEFT = ("tmp_", "carrel-intake-", "carrel-transport-", "carrel-maintain-", "carrel-seed-")


@dataclass(frozen=True, slots=True)
class _Pack:
    name: str
    size: int


def maintain(stores: Stores, *, dry_run: bool = False) -> list[str]:
    """Tidy both stores; return what was done (or would be), in sentences.

    Safe beside anything else, at once and when killed.

    Args:
        stores: The project's stores.
        dry_run: Only tell.
    """
    told: list[str] = []
    with locks.held(stores.lock_path("maintenance"), timeout=600.0):
        for git in (stores.base, stores.vault):
            told += _sweep(git, stores.home, dry_run=dry_run)
            told += _gather_loose(git, dry_run=dry_run)
            told += _consolidate(git, stores, dry_run=dry_run)
            told += _pack_refs(git, dry_run=dry_run)
    return told


def packs(git: Git) -> list[str]:
    """Return the packs of a store (paths without suffix), the smallest first."""
    return [pack.name for pack in _packs(git)]


def objects_in(pack: str, width: int) -> set[bytes]:
    """Return the ids of all objects in a pack, from its index."""
    with open(f"{pack}.idx", "rb") as file:
        data = file.read()
    if data[:8] != b"\377tOc\0\0\0\2":
        raise FailedError("pack_unknown", f"{pack}.idx has a format that Carrel can't read.")
    count = struct.unpack_from(">I", data, 8 + 255 * 4)[0]
    start = 8 + 256 * 4
    return {data[at : at + width] for at in range(start, start + count * width, width)}


def _packs(git: Git, before: float = float("inf")) -> list[_Pack]:
    folder = f"{git.git_dir}/objects/pack"
    names = [name[:-4] for name in os.listdir(folder) if name.endswith(".idx")]
    found = [
        _Pack(f"{folder}/{name}", os.stat(f"{folder}/{name}.pack").st_size)
        for name in names
        if not os.path.exists(f"{folder}/{name}.keep")
        and os.path.exists(f"{folder}/{name}.pack")
        and os.stat(f"{folder}/{name}.idx").st_mtime < before
    ]
    return sorted(found, key=lambda pack: (pack.size, pack.name))


def _consolidate(git: Git, stores: Stores, *, dry_run: bool) -> list[str]:
    """Join small packs so that each of the rest is at least twice the sum of the smaller."""
    found = _packs(git, stamping_moment(f"{stores.home}/locks") - _YOUNG)
    if len(found) < MANY_PACKS:
        return []
    joined, total = list[_Pack](), 0
    for pack in found:
        if len(joined) > 1 and pack.size > _GROWTH * total:
            break
        joined.append(pack)
        total += pack.size
    told = f"Joined {len(joined)} of {len(found)} packs in {git.git_dir}."
    if not dry_run:
        _join(git, joined, stores.width)
    return [told]


def _join(git: Git, joined: list[_Pack], width: int) -> None:
    objects = f"{git.git_dir}/objects"
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=objects) as staging:
        feed = "".join(f"{os.path.basename(pack.name)}.pack\n" for pack in joined)
        name = git.with_(timeout=3600.0).text(
            "pack-objects", "--stdin-packs", "--quiet", "--window=0", "--delta-base-offset",
            f"{staging}/new", stdin=feed.encode(),
        )  # fmt: skip
        faults.point("maintain.packed")
        fresh = f"{objects}/pack/pack-{name}"
        wanted = set[bytes]().union(*(objects_in(pack.name, width) for pack in joined))
        if not name or not wanted <= objects_in(f"{staging}/new-{name}", width):
            raise FailedError(
                "maintenance_failed",
                f"The new pack in {git.git_dir} lacks objects of the old ones, which stay.",
                cure="Run 'carrel doctor'; nothing was deleted.",
            )
        publish(f"{staging}/new-{name}", fresh)
    faults.point("maintain.published")
    for pack in joined:
        if pack.name != fresh:
            for suffix in (".idx", ".rev", ".pack"):
                if os.path.exists(pack.name + suffix):
                    os.unlink(pack.name + suffix)
                faults.point("maintain.deleted")


def _gather_loose(git: Git, *, dry_run: bool) -> list[str]:
    objects = f"{git.git_dir}/objects"
    found = [
        folder + name
        for folder in os.listdir(objects)
        if len(folder) == 2  # noqa: PLR2004 - the first two digits of an id
        for name in os.listdir(f"{objects}/{folder}")
        if not name.startswith("tmp_")
    ]
    if len(found) < MANY_LOOSE:
        return []
    if not dry_run:
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=objects) as staging:
            feed = "".join(f"{oid}\n" for oid in found).encode()
            name = git.text("pack-objects", "--quiet", f"{staging}/new", stdin=feed)
            publish(f"{staging}/new-{name}", f"{objects}/pack/pack-{name}")
        faults.point("maintain.gathered")
        git.run("prune-packed", "--quiet")  # deletes only what it finds in a pack
    return [f"Packed {len(found)} loose objects in {git.git_dir}."]


def _pack_refs(git: Git, *, dry_run: bool) -> list[str]:
    count = sum(len(files) for _, _, files in os.walk(f"{git.git_dir}/refs"))
    if count < MANY_REFS:
        return []
    if not dry_run:
        git.run("pack-refs", "--all")
    return [f"Packed {count} references in {git.git_dir}."]


def _sweep(git: Git, home: str, *, dry_run: bool) -> list[str]:
    """Delete what killed writers left: old, and open in no process."""
    now = stamping_moment(f"{home}/locks")
    stale = [path for path in _leftovers(git) if now - os.lstat(path).st_mtime > _OLD]
    held = _open_files() if stale else set[str]()
    free = [path for path in stale if not any(one.startswith(path) for one in held)]
    if not dry_run:
        for path in free:
            erase(path)
    return [f"Deleted {len(free)} leftovers of killed processes in {git.git_dir}."] if free else []


def _leftovers(git: Git) -> list[str]:
    found: list[str] = []
    for top, folders, names in os.walk(f"{git.git_dir}/objects"):
        ours = [name for name in [*folders, *names] if name.startswith(_LEFT)]
        found += [f"{top}/{name}" for name in ours]
        found += [f"{top}/{name}" for name in names if name.endswith(".tmp")]
        folders[:] = [name for name in folders if name not in ours]
    for top, _, names in os.walk(f"{git.git_dir}/refs"):
        found += [f"{top}/{name}" for name in names if name.endswith(".lock")]
    for name in os.listdir(git.git_dir):
        if name.startswith(("carrel-ref-", "carrel-seed-")) or name.endswith(".lock"):
            found.append(f"{git.git_dir}/{name}")
    return found


def _open_files() -> set[str]:
    found: set[str] = set()
    for process in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if process.isdigit():
            found |= _open_in(f"/proc/{process}/fd")
    return found


def _open_in(folder: str) -> set[str]:
    found: set[str] = set()
    try:
        for handle in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile
                found.add(os.readlink(f"{folder}/{handle}"))
    except OSError:  # ended meanwhile, or somebody else's
        pass
    return found
