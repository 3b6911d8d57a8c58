"""A bare repository whose commits are written down as trees of names and values."""

import os
import subprocess
from pathlib import Path

from tests.contract.conflict_words import Tree, Value

from carrel.git.gateway import Git
from carrel.git.objects import (
    EXECUTABLE,
    FILE,
    LINK,
    SUBMODULE,
    TREE,
    Entry,
    PackWriter,
    Reader,
    parse_tree,
)
from carrel.git.trees import edit_tree

OLD = 1_700_000_000


class Vault:
    def __init__(self, path: Path) -> None:
        subprocess.run(["git", "init", "-q", "--template=", "--bare", path], check=True)
        self.git = Git(str(path))
        self.reader = Reader(self.git)
        self.writer = PackWriter(f"{path}/objects")

    def commit(self, tree: Tree, *parents: str, time: int = OLD) -> str:
        entries = {os.fsencode(path): self.entry(value) for path, value in tree.items()}
        root = edit_tree(self.reader, self.writer, self.writer.tree(()), entries)
        above = "".join(f"parent {one}\n" for one in parents)
        who = f"A <a@b> {time} +0000"
        body = f"tree {root}\n{above}author {who}\ncommitter {who}\n\nm\n"
        return self.writer.add("commit", body.encode())

    def entry(self, value: Value) -> Entry:
        what, text = value if isinstance(value, tuple) else ("f", value)
        if what == "s":
            return Entry(SUBMODULE, text)
        data = b"\0" + text.encode() if what == "b" else text.encode()
        modes = {"f": FILE, "x": EXECUTABLE, "l": LINK, "b": FILE}
        return Entry(modes[what], self.writer.blob(data))

    def tree(self, oid: str, prefix: str = "") -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, entry in parse_tree(self._read(oid), len(oid) // 2).items():
            path = prefix + os.fsdecode(name)
            if entry.mode == TREE:
                found |= self.tree(entry.oid, path + "/")
            elif entry.mode == SUBMODULE:
                found[path] = ("s", entry.oid)
            else:
                found[path] = self._value(entry)
        return found

    def _value(self, entry: Entry) -> Value:
        text = self._read(entry.oid).decode()
        if text.startswith("\0"):
            return ("b", text[1:])
        what = {FILE: "f", EXECUTABLE: "x", LINK: "l"}[entry.mode]
        return text if what == "f" else (what, text)

    def _read(self, oid: str) -> bytes:
        waiting = self.writer.pending(oid)
        return self.reader.read(oid)[1] if waiting is None else waiting
