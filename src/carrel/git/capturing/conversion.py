"""Line ends, `$Id$` and encodings, as `.gitattributes` ask for: git's own conversion.

Only what provably needs no conversion is stored directly. The rest is given to git as copies
in a throwaway work tree, beside copies of the attribute files. Filters (`filter=lfs`) name a
program; git knows none but those that the owner allowed, by his own commands.
"""

import os
import zlib
from collections.abc import Callable, Iterable, Mapping

from carrel.domain.records import dataclass
from carrel.errors import FailedError
from carrel.git.capturing.scratch import Scratch
from carrel.git.objects import EXECUTABLE, FILE, Entry

ATTRIBUTES_FILE = b".gitattributes"

_CONVERTING = (b"eol", b"crlf", b"ident", b"working-tree-encoding")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Raw:
    """A file as it is on disk.

    Attributes:
        data: Its bytes.
        tracked: What git holds at its path so far; `text=auto` looks at it.
    """

    data: bytes
    tracked: Entry | None


@dataclass(frozen=True, slots=True)
class Converted:
    """What git stores for a file.

    Attributes:
        oid: Object id.
        data: The bytes, or None when the store has them already.
    """

    oid: str
    data: bytes | None


class Attributes:
    """The attribute files that apply to some paths, each read once.

    Args:
        rules: Returns the text of `.gitattributes` in a folder, or None.
    """

    def __init__(self, rules: Callable[[bytes], bytes | None]) -> None:
        self._rules = rules
        self._texts: dict[bytes, bytes] = {}

    def above(self, path: bytes) -> tuple[bytes, ...]:
        """Return the folders above `path` that hold attributes."""
        found: list[bytes] = []
        folder = path
        while folder:
            folder = folder.rpartition(b"/")[0]
            if folder not in self._texts:
                self._texts[folder] = self._rules(folder) or b""
            if self._texts[folder]:
                found.append(folder)
        return tuple(found)

    def text(self, folder: bytes) -> bytes:
        """Return the attributes of a folder; empty when it has none."""
        return self._texts.get(folder, b"")

    def mention(self, path: bytes, word: bytes) -> bool:
        """Tell whether any attribute file above `path` holds a word."""
        return any(word in self._texts[folder] for folder in self.above(path))

    def lay_out(self, scratch: Scratch, paths: Iterable[bytes]) -> None:
        """Copy the attribute files above `paths` into a throwaway work tree."""
        for folder in {folder for path in paths for folder in self.above(path)}:
            name = folder + b"/" + ATTRIBUTES_FILE if folder else ATTRIBUTES_FILE
            scratch.put(name, self._texts[folder])


def may_convert(attributes: Attributes, path: bytes, data: bytes) -> bool:
    """Tell whether git could store other bytes than `data` at `path`."""
    if not attributes.above(path):
        return False
    if b"\r" in data or (b"$Id" in data and attributes.mention(path, b"ident")):
        return True
    return attributes.mention(path, b"working-tree-encoding")


def to_git(
    scratch: Scratch, attributes: Attributes, files: Mapping[bytes, Raw]
) -> tuple[dict[bytes, Converted], list[tuple[bytes, str]]]:
    """Return what git would store for some files, and notes on those it can't convert.

    Files that git can't convert are missing from the result.

    Args:
        scratch: An unused throwaway work tree.
        attributes: The attribute files.
        files: By path; those for which `may_convert` is true.
    """
    attributes.lay_out(scratch, files)
    for path, raw in files.items():
        scratch.put(path, raw.data)
    _stage_tracked(scratch, files)
    objects = f"{scratch.path}/objects"
    os.mkdir(objects)
    git = scratch.git.with_(env={**scratch.git.env, "GIT_OBJECT_DIRECTORY": objects})
    git = git.with_(env={**git.env, "GIT_ALTERNATE_OBJECT_DIRECTORIES": _store(scratch)})
    refused: list[tuple[bytes, str]] = []
    add = ("-c", "core.fsync=none", "update-index", "-z", "--add", "--stdin")
    try:
        git.run(*add, stdin=b"\0".join([*files, b""]))
    except FailedError:
        for path in files:
            try:
                git.run(*add, stdin=path + b"\0")
            except FailedError as error:
                refused.append((path, f"stored as it is: {error.why}"))
    left_out = {path for path, _ in refused}
    found: dict[bytes, Converted] = {}
    for line in git.run("ls-files", "--stage", "-z").out.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        if path in files and path not in left_out:
            oid = facts.split()[1].decode()
            found[path] = Converted(oid, _new_object(objects, oid))
    return found, refused


def from_git(
    scratch: Scratch,
    attributes: Attributes,
    files: Mapping[bytes, Entry],
    *,
    filtering: bool = False,
) -> dict[bytes, bytes]:
    """Return the bytes that git would check out, for those files that may need conversion.

    Args:
        scratch: An unused throwaway work tree.
        attributes: The attribute files of the tree that is checked out.
        files: Entries by path; links are passed over.
        filtering: Git may run filters in the throwaway work tree, and shall.
    """
    words = (*_CONVERTING, b"filter") if filtering else _CONVERTING
    paths = [
        path
        for path, entry in files.items()
        if entry.mode in {FILE, EXECUTABLE}
        and any(attributes.mention(path, word) for word in words)
    ]
    if not paths:
        return {}
    # Copied files count where the index has none, and git must not refuse to overwrite them.
    attributes.lay_out(scratch, paths)
    lines = [f"{files[path].mode:o} {files[path].oid} 0\t".encode() + path for path in paths]
    scratch.git.run("update-index", "-z", "--index-info", stdin=b"\0".join([*lines, b""]))
    scratch.git.run("checkout-index", "-z", "--stdin", "--force", stdin=b"\0".join([*paths, b""]))
    return {path: scratch.get(path) for path in paths}


def filtered(
    scratch: Scratch, attributes: Attributes, files: Mapping[bytes, bytes]
) -> list[tuple[bytes, str]]:
    """Return the files that a filter program should have seen, with the filter's name.

    Args:
        scratch: An unused throwaway work tree.
        attributes: The attribute files.
        files: Bytes by path; pointers of Git LFS are what the filter would make, and left out.
    """
    asked = [path for path, data in files.items() if not data.startswith(_LFS_POINTER)]
    if not asked:
        return []
    attributes.lay_out(scratch, asked)
    done = scratch.git.run("check-attr", "-z", "--stdin", "filter", stdin=b"\0".join([*asked, b""]))
    fields = done.out.split(b"\0")[:-1]
    return [
        (path, os.fsdecode(value))
        for path, value in zip(fields[::3], fields[2::3], strict=True)
        if value not in {b"unspecified", b"unset", b"set"}
    ]


def _stage_tracked(scratch: Scratch, files: Mapping[bytes, Raw]) -> None:
    """Put what git holds so far into the index, where `text=auto` looks for CR LF."""
    lines = [
        f"{raw.tracked.mode:o} {raw.tracked.oid} 0\t".encode() + path + b"\0"
        for path, raw in files.items()
        if raw.tracked is not None and raw.tracked.mode in {FILE, EXECUTABLE}
    ]
    if lines:
        scratch.git.run("update-index", "-z", "--index-info", stdin=b"".join(lines))


def _store(scratch: Scratch) -> str:
    path = f"{scratch.git.git_dir}/objects"
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _new_object(objects: str, oid: str) -> bytes | None:
    try:
        with open(f"{objects}/{oid[:2]}/{oid[2:]}", "rb") as file:
            stored = zlib.decompress(file.read())
    except FileNotFoundError:
        return None
    return stored.partition(b"\0")[2]
