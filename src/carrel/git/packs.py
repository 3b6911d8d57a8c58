"""Objects as they lie, compressed, in the packs that this program wrote.

Copying an object from pack to pack takes a look into an index and a few bytes; reading it
through git and compressing it anew takes a hundred times as long. Only whole objects are
given out: what is stored as a difference to another one is left to git.

Format: gitformat-pack, index version 2.
"""

import mmap
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from carrel.domain.records import dataclass
from carrel.errors import FailedError

_LARGEST_INDEX = 1 << 20
"""Larger packs are joined ones, made by git, which has other ways to find things in them."""

_WHOLE = frozenset({1, 2, 3, 4})
_FANOUT = 8 + 255 * 4
_NAMES = _FANOUT + 4
_FAR = 1 << 31
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Packed:
    """An object as a pack has it: its header and its compressed bytes, and their CRC-32."""

    data: bytes
    crc: int


_Rows = Mapping[bytes, tuple[int, int, int]]
"""Object id to where it starts and ends in the pack, and its CRC-32."""

_written: deque[str] = deque(maxlen=_REMEMBERED)


def note_written(name: str) -> None:
    """Remember a pack of this process (path without suffix): it is likely to be asked for."""
    _written.append(name)


def packed_objects(objects_dir: str, oids: Iterable[str], width: int) -> dict[str, Packed]:
    """Return those objects that lie whole in the smaller packs of a store, newest packs first.

    Args:
        objects_dir: Object folder of the store.
        oids: What is wanted.
        width: Bytes of an object id.

    Raises:
        FailedError: `store_damaged`.
    """
    wanted = {bytes.fromhex(oid) for oid in oids}
    found: dict[str, Packed] = {}
    seen: set[str] = set()
    for name in _candidates(f"{objects_dir}/pack"):
        if not wanted:
            break
        if name not in seen:
            seen.add(name)
            taken = _taken(name, wanted, width)
            found |= {oid.hex(): packed for oid, packed in taken.items()}
            wanted -= taken.keys()
    return found


def _candidates(folder: str) -> Iterator[str]:
    for name in reversed(tuple(_written)):
        if os.path.dirname(name) == folder:
            yield name
    with os.scandir(folder) as entries:
        found = [
            (entry.stat().st_mtime_ns, entry.path[:-4])
            for entry in entries
            if entry.name.endswith(".idx")
        ]
    for _, name in sorted(found, reverse=True):
        yield name


def _taken(name: str, wanted: set[bytes], width: int) -> dict[bytes, Packed]:
    """Take what a pack has; nothing when it was joined with others meanwhile."""
    try:
        rows = _index(name, width)
        here = wanted & rows.keys()
        return _read(name, {oid: rows[oid] for oid in here}) if here else {}
    except FileNotFoundError:
        return {}


def _read(name: str, rows: _Rows) -> dict[bytes, Packed]:
    found: dict[bytes, Packed] = {}
    with open(f"{name}.pack", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as at:
        for oid, (start, end, crc) in rows.items():
            data = at[start:end]
            if zlib.crc32(data) != crc:
                raise FailedError(
                    "store_damaged",
                    f"The bytes of object {oid.hex()} in {name}.pack are not what was written.",
                    cure="Run 'carrel doctor'; the store is damaged.",
                )
            if data[0] >> 4 & 7 in _WHOLE:
                found[oid] = Packed(data, crc)
    return found


@lru_cache(_REMEMBERED)  # a pack is named after what is in it
def _index(name: str, width: int) -> _Rows:
    with open(f"{name}.idx", "rb") as file:
        data = file.read(_LARGEST_INDEX + 1)
    if len(data) > _LARGEST_INDEX or data[:8] != b"\377tOc\0\0\0\2":
        return {}
    count = struct.unpack_from(">I", data, _FANOUT)[0]
    end = _NAMES + count * width
    crcs = struct.unpack_from(f">{count}I", data, end)
    starts = struct.unpack_from(f">{count}I", data, end + 4 * count)
    if any(start >= _FAR for start in starts):
        return {}
    limits = [*sorted(starts), os.stat(f"{name}.pack").st_size - width]
    ends = dict(pairwise(limits))
    names = (data[at : at + width] for at in range(_NAMES, end, width))
    return {
        oid: (start, ends[start], crc) for oid, start, crc in zip(names, starts, crcs, strict=True)
    }
