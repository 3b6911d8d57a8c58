"""A bare repository whose commits are written down as trees of names and values."""

import os
import subprocess
from pathlib import Path

from tests.contract.conflict_words import Tree, Value

from carrel.git.gateway import Git
from carrel.git.objects import EXECUTABLE, FILE, LINK, SUBMODULE, Entry, PackWriter, Reader
from carrel.git.trees import edit_tree

OLD = 1_700_000_000


class Vault:
    def __init__(self, path: Path) -> None:
        subprocess.run(["git", "init", "-q", "--bare", path], check=True)
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

    def tree(self, oid: str) -> dict[str, Value]:
        rows = self.git.run("ls-tree", "-r", "-z", oid).out.split(b"\0")[:-1]
        found: dict[str, Value] = {}
        for row in rows:
            about, _, path = os.fsdecode(row).partition("\t")
            mode, _, blob = about.split(" ")
            if mode == "160000":
                found[path] = ("s", blob)
                continue
            text = self.reader.read(blob)[1].decode()
            if text.startswith("\0"):
                found[path] = ("b", text[1:])
            else:
                what = {"100644": "f", "100755": "x", "120000": "l"}[mode]
                found[path] = text if what == "f" else (what, text)
        return found
